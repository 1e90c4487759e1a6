package zoocfg

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A property is one key=value of a Java properties file.
type property struct {
	line       int // on which it starts, from 1
	key, value string
}

// properties splits a file as java.util.Properties.load does: blank lines and
// those that begin with # or ! are left out, a line whose last backslashes are
// odd in number goes on in the next one, and a key ends at the first =, : or
// blank. Unlike there a bad \u is taken as it stands.
func properties(text string) []property {
	var all []property
	for _, s := range spans(text) {
		all = append(all, s.property)
	}
	return all
}

// A span is a property and the last of its lines.
type span struct {
	property
	last int
}

func spans(text string) []span {
	var all []span
	lines := linesOf(text)
	for i := 0; i < len(lines); i++ {
		start := i + 1
		line := trimLeft(lines[i])
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		var whole strings.Builder
		for continued(line) {
			whole.WriteString(line[:len(line)-1])
			if i++; i == len(lines) {
				line = ""
				break
			}
			line = trimLeft(lines[i])
		}
		whole.WriteString(line)
		key, value := cut(whole.String())
		all = append(all, span{property{line: start, key: unescape(key), value: strings.TrimSpace(unescape(value))}, min(i+1, len(lines))})
	}
	return all
}

func linesOf(text string) []string {
	text = strings.TrimPrefix(text, "\ufeff") // some editors begin a file so
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

const blanks = " \t\f"

func trimLeft(s string) string { return strings.TrimLeft(s, blanks) }

// continued reports whether a line ends in an odd number of backslashes.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// cut splits a line at the first separator that has no backslash before it.
func cut(line string) (key, value string) {
	end := 0
	for end < len(line) && !strings.ContainsRune("=:"+blanks, rune(line[end])) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(line))
	rest := trimLeft(line[end:])
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = trimLeft(rest[1:])
	}
	return line[:end], rest
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if r, err := strconv.ParseUint(s[i+1:min(i+5, len(s))], 16, 16); err == nil && i+5 <= len(s) {
				b.Write(utf8.AppendRune(nil, rune(r)))
				i += 4
				continue
			}
			b.WriteString(`\u`)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
