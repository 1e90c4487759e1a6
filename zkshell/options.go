package zkshell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An option is a flag of a command. Names of several letters are written with one
// hyphen all the same.
type option struct {
	name     string
	hasValue bool
	about    string
}

// options are the flags that a command knows.
type options struct {
	all []option

	// oneOf says that at most one of all may be given, required that one must.
	oneOf, required bool
}

// parsed is a command line taken apart.
type parsed struct {
	args   []string // what is no option; the command's name first
	values map[string]string
}

func (p parsed) has(name string) bool {
	_, ok := p.values[name]
	return ok
}

// commonsCLI begins the texts of errors about options, which zkCli shows with the
// name of their class.
const commonsCLI = "org.apache.commons.cli."

// parse takes the words of a command apart as Apache's commons-cli does: options may
// stand anywhere, letters may be joined (-sw), a value may be joined or follow
// (-v1, -v=1, -v 1), and -- ends the options.
func (o options) parse(words []string) (parsed, error) {
	p := parsed{values: make(map[string]string)}
	waiting := "" // the option whose value must come next
	plain := false
	for _, w := range words {
		switch {
		case plain:
			p.args = append(p.args, w)
		case w == "--":
			plain = true
		case waiting != "" && !o.looksLikeOption(w):
			p.values[waiting] = unquote(w)
			waiting = ""
		case len(w) < 2 || w[0] != '-':
			p.args = append(p.args, w)
		case waiting != "" && o.leads(w):
			return p, missingArgument(waiting)
		default:
			var err error
			if waiting, err = o.take(&p, w); err != nil {
				return p, err
			}
		}
	}
	if waiting != "" {
		return p, missingArgument(waiting)
	}
	if o.required && len(p.values) == 0 {
		var each []string
		for _, opt := range o.all {
			each = append(each, "-"+opt.name+" "+opt.about)
		}
		return p, failf("%sMissingOptionException: Missing required option: [%s]", commonsCLI, strings.Join(each, ", "))
	}
	return p, nil
}

// take reads one word of options and returns the one that still waits for its value.
func (o options) take(p *parsed, w string) (waiting string, err error) {
	unknown := failf("%sUnrecognizedOptionException: Unrecognized option: %s", commonsCLI, w)
	if strings.HasPrefix(w, "--") {
		return "", unknown
	}
	name, value, equals := strings.Cut(w[1:], "=")
	if opt, ok := o.find(name); ok && (len(name) == 1 || !equals) {
		switch {
		case equals && !opt.hasValue:
			return "", unknown
		case equals:
			return "", o.set(p, opt, value)
		case opt.hasValue:
			return opt.name, o.set(p, opt, "")
		}
		return "", o.set(p, opt, "")
	}
	if equals {
		return "", unknown
	}
	for i := 1; i < len(w); i++ {
		opt, ok := o.find(w[i : i+1])
		if !ok {
			return "", unknown
		}
		if err := o.set(p, opt, ""); err != nil {
			return "", err
		}
		if opt.hasValue {
			if rest := w[i+1:]; rest != "" {
				return "", o.set(p, opt, rest)
			}
			return opt.name, nil
		}
	}
	return "", nil
}

// set records an option.
func (o options) set(p *parsed, opt option, value string) error {
	if o.oneOf {
		for name := range p.values {
			if name != opt.name {
				return failf("%sAlreadySelectedException: The option '%s' was specified but an option from this group has already been selected: '%s'",
					commonsCLI, opt.name, name)
			}
		}
	}
	p.values[opt.name] = value
	return nil
}

func (o options) find(name string) (option, bool) {
	i := slices.IndexFunc(o.all, func(opt option) bool { return opt.name == name })
	if i < 0 {
		return option{}, false
	}
	return o.all[i], true
}

// looksLikeOption reports whether w, where a value should be, is an option: a
// negative number is not, unless its digit is one.
func (o options) looksLikeOption(w string) bool {
	if _, err := strconv.ParseFloat(w, 64); err == nil {
		return false
	}
	return o.leads(w)
}

// leads reports whether w begins with an option's name.
func (o options) leads(w string) bool {
	if len(w) < 2 || w[0] != '-' {
		return false
	}
	name, _, _ := strings.Cut(w[1:], "=")
	if _, ok := o.find(name); ok {
		return true
	}
	if name == "" {
		return false
	}
	_, ok := o.find(name[:1])
	return ok
}

func missingArgument(name string) error {
	return failf("%sMissingArgumentException: Missing argument for option: %s", commonsCLI, name)
}

// unquote takes off double quotes around a value.
func unquote(w string) string {
	if n := len(w); n > 1 && w[0] == '"' && w[n-1] == '"' && !strings.Contains(w[1:n-1], `"`) {
		return w[1 : n-1]
	}
	return w
}

// help describes the options as commons-cli's formatter does.
func (o options) help(usage string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n", usage)
	for _, opt := range o.all {
		fmt.Fprintf(&b, " -%s   %s\n", opt.name, opt.about)
	}
	return b.String()
}
