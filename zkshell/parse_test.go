package zkshell

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// The rules are zkCli's own: see doc.go.
func TestLinesAreSplitAsZkCliDoes(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{`ls /`, []string{"ls", "/"}},
		{"  ls\t /  ", []string{"ls", "/"}},
		{`create /a "two words"`, []string{"create", "/a", "two words"}},
		{`create /a 'single "quoted" x'`, []string{"create", "/a", `single "quoted" x`}},
		{`create /a "it's"`, []string{"create", "/a", "it's"}},
		{`create /a ""`, []string{"create", "/a", ""}},
		{`create /a un"quo ted"`, []string{"create", "/a", `un"quo`, `ted"`}},
		{`get "/a/b`, []string{"get", "/a/b"}},
		{`set /a "x"y`, []string{"set", "/a", "x", "y"}},
		{`"ls" "/"`, []string{"ls", "/"}},
		{`   `, []string{" "}},
		{`"`, nil},
		{``, nil},
		{"set /ü ünï", []string{"set", "/ü", "ünï"}},
	}
	for _, tt := range tests {
		if got := Split(tt.line); !slices.Equal(got, tt.want) {
			t.Errorf("Split(%q) = %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestOptionsAreReadAsCommonsCLIDoes(t *testing.T) {
	get, _ := find("get")
	set, _ := find("set")
	quota, _ := find("setquota")
	reconf, _ := find("reconfig")
	tests := []struct {
		name string
		opts options
		line string
		args string // joined by spaces
		want string // options as name=value, sorted and joined by spaces
		err  string
	}{
		{"anywhere", get.opts, "get /a -s", "get /a", "s=", ""},
		{"joined", get.opts, "get -sw /a", "get /a", "s= w=", ""},
		{"value follows", set.opts, "set -v 3 /a x", "set /a x", "v=3", ""},
		{"value joined", set.opts, "set -v3 /a x", "set /a x", "v=3", ""},
		{"value with equals", set.opts, "set -v=3 /a x", "set /a x", "v=3", ""},
		{"flag joined to value", set.opts, "set -sv3 /a x", "set /a x", "s= v=3", ""},
		{"negative value", set.opts, "set -v -1 /a x", "set /a x", "v=-1", ""},
		{"after --", set.opts, "set -- /a -s", "set /a -s", "", ""},
		{"a hyphen", set.opts, "set /a -", "set /a -", "", ""},
		{"long name", reconf.opts, "reconfig -add server.1=x", "reconfig", "add=server.1=x", ""},
		{"unknown", get.opts, "get -x /a", "", "", "UnrecognizedOptionException: Unrecognized option: -x"},
		{"unknown behind known", get.opts, "get -sx /a", "", "", "UnrecognizedOptionException: Unrecognized option: -sx"},
		{"two hyphens", get.opts, "get --s /a", "", "", "UnrecognizedOptionException: Unrecognized option: --s"},
		{"equals on a flag", get.opts, "get -s=1 /a", "", "", "UnrecognizedOptionException: Unrecognized option: -s=1"},
		{"no value at the end", set.opts, "set /a x -v", "", "", "MissingArgumentException: Missing argument for option: v"},
		{"an option for a value", set.opts, "set -v -s /a x", "", "", "MissingArgumentException: Missing argument for option: v"},
		{"two of one group", quota.opts, "setquota -n 1 -b 2 /a", "", "", "AlreadySelectedException: The option 'b' was specified but an option from this group has already been selected: 'n'"},
		{"none of a group", quota.opts, "setquota /a", "", "", "MissingOptionException: Missing required option: [-n num soft quota, -b bytes soft quota, -N num hard quota, -B bytes hard quota]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := tt.opts.parse(Split(tt.line))
			if tt.err != "" {
				if err == nil || err.Error() != commonsCLI+tt.err {
					t.Fatalf("error = %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var opts []string
			for name, v := range p.values {
				opts = append(opts, name+"="+v)
			}
			slices.Sort(opts)
			if got := strings.Join(p.args, " "); got != tt.args {
				t.Errorf("arguments = %q, want %q", got, tt.args)
			}
			if got := strings.Join(opts, " "); got != tt.want {
				t.Errorf("options = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPathsAreRefusedBeforeTheyAreSent(t *testing.T) {
	tests := []struct{ path, want string }{
		{"/", ""},
		{"/a/b.c/..d/e..", ""},
		{"/ünï/日本", ""},
		{"", "Path length must be > 0"},
		{"a", "Path must start with / character"},
		{"/a/", "Path must not end with / character"},
		{"/a//b", `Invalid path string "/a//b" caused by empty node name specified @3`},
		{"/a/./b", `Invalid path string "/a/./b" caused by relative paths not allowed @3`},
		{"/a/..", `Invalid path string "/a/.." caused by relative paths not allowed @4`},
		{"/..", `Invalid path string "/.." caused by relative paths not allowed @2`},
		{"/a\x00", "Invalid path string \"/a\x00\" caused by null character not allowed @2"},
		{"/a\x01", "Invalid path string \"/a\x01\" caused by invalid character @2"},
		{"/a\u009f", "Invalid path string \"/a\u009f\" caused by invalid character @2"},
		{"/a😀", `Invalid path string "/a😀" caused by invalid character @2`},
	}
	for _, tt := range tests {
		err := checkPath(tt.path)
		if got := text(err); got != tt.want {
			t.Errorf("checkPath(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCommandsAreSortedByName(t *testing.T) {
	if !slices.IsSortedFunc(commands, func(a, b command) int { return strings.Compare(a.name, b.name) }) {
		t.Error("find would not find them all")
	}
}

func TestCreateRefusesWhatCannotBe(t *testing.T) {
	c, _ := find("create")
	tests := []struct{ line, want string }{
		{"create -c -e /a", "-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential."},
		{"create -t x /a", "-t argument must be a long value"},
		{"create -t 1 -e /a", "TTLs cannot be used with Ephemeral znodes"},
		{"create -t 1 -c /a", "TTLs cannot be used with Container znodes"},
		{"create -t 0 /a", "ttl must be positive and cannot be larger than: 1099511627775"},
		{"create -t 1099511627776 /a", "ttl must be positive and cannot be larger than: 1099511627775"},
	}
	for _, tt := range tests {
		p, err := c.opts.parse(Split(tt.line))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := creationOf(p); text(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.line, err, tt.want)
		}
	}
	for line, want := range map[string]int32{"create /a": 0, "create -e /a": 1, "create -s /a": 2, "create -se /a": 3, "create -t 9 /a": 5, "create -s -t 9 /a": 6} {
		p, _ := c.opts.parse(Split(line))
		if m, err := creationOf(p); err != nil || m.flags != want {
			t.Errorf("%s: flags %d, %v, want %d", line, m.flags, err, want)
		}
	}
}

// FuzzLine holds that no line makes the parsers panic, and that each error is a line
// to print.
func FuzzLine(f *testing.F) {
	for _, line := range []string{`create -s -v=1 /a "x y"`, `setquota -n -1 "`, "reconfig -file x -v", "ls -? -- -", "get /a\x00/../😀"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := Split(line)
		for _, w := range words {
			err := checkPath(w)
			if _, ok := errors.AsType[*failure](err); err != nil && !ok {
				t.Errorf("%q: %v", w, err)
			}
			parseTrack(w)
			connectString(w)
			complete(w, func(string) []string { return words })
		}
		for _, c := range commands {
			c.opts.parse(words)
		}
	})
}
