package zkshell_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/zktest"
	"github.com/mwqueue/mw/zkshell"
)

// open starts a shell of the server at addr that prints everything to out.
func open(t testing.TB, addr string, out io.Writer, change ...func(*zkshell.Config)) *zkshell.Shell {
	t.Helper()
	cfg := zkshell.Config{Servers: addr, Resolve: resolve, Out: out, Err: out, Version: "test", Location: time.UTC}
	for _, c := range change {
		c(&cfg)
	}
	sh := zkshell.New(cfg)
	t.Cleanup(sh.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := sh.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	return sh
}

func resolve(servers string) (client.Config, error) {
	if servers == "" {
		return client.Config{}, errors.New("no servers")
	}
	return client.Config{Servers: strings.Split(servers, ",")}, nil
}

// run does a script on a shell of its own and returns what it prints and its code.
func run(t testing.TB, addr, script string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	sh := open(t, addr, &out)
	code, err := sh.Script(t.Context(), strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	sh.Close()
	return out.String(), code
}

// The tree by hand, as the README tells it.
func TestAStoryOfTheTree(t *testing.T) {
	s := zktest.NewServer(t)
	got, code := run(t, s.Addr(), `create /app "one two"
create /app
get /app
ls -w /app
create -e /app/e x
create -s /app/s-
ls /app
set -v 7 /app x
get -w /app
set /app three
stat /none
delete /app
create /app/e/below
getEphemerals
deleteall /app
ls /app
create bad
printwatches
whoami extra
`)
	want := `Created /app
Node already exists: /app
one two
[]

WATCHER::

WatchedEvent state:SyncConnected type:NodeChildrenChanged path:/app
Created /app/e
Created /app/s-0000000001
[e, s-0000000001]
version No is not valid : /app
one two

WATCHER::

WatchedEvent state:SyncConnected type:NodeDataChanged path:/app
Node does not exist: /none
Node not empty: /app
Ephemerals cannot have children: /app/e/below
[/app/e]
Node does not exist: /app
Path must start with / character
printwatches is on
Auth scheme: User
ip: 127.0.0.1
`
	if got != want || code != 0 {
		t.Errorf("code %d, printed\n%s\nwant\n%s", code, got, want)
	}
}

func TestHistoryAndRedo(t *testing.T) {
	s := zktest.NewServer(t)
	got, _ := run(t, s.Addr(), `create -s /a-

redo 0
history
redo 3
redo 99
redo x
redo
redo 3
"
close
ls /
connect
ls /
connect `+s.Addr()+`
quit
ls /
`)
	want := `Created /a-0000000000
Created /a-0000000001
0 - create -s /a-
1 - create -s /a-
2 - history
Command index out of range
Command index out of range
redo needs the number of a command, got "x"
No redoing redos
USAGE
No command entered
Not connected
[a-0000000000, a-0000000001, zookeeper]
`
	got = strings.ReplaceAll(got, zkshell.Usage(), "USAGE\n")
	if got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

func TestOneCommandsExitCodes(t *testing.T) {
	s := zktest.NewServer(t)
	var out, errs bytes.Buffer
	sh := open(t, s.Addr(), &out, func(cfg *zkshell.Config) { cfg.Err = &errs })
	tests := []struct {
		words     string
		code      int
		out, errs string // begin with
	}{
		{"create /x", 0, "Created /x\n", ""},
		{"create /x", 1, "", "Node already exists: /x\n"},
		{"get", 1, "", "get [-s] [-w] path\n"},
		{"get /x watch", 0, "null\n", "'get path [watch]' has been deprecated. Please use 'get [-s] [-w] path' instead.\n"},
		{"nonsense", 127, "", "ZooKeeper -server host:port"},
		{"help", 0, "ZooKeeper -server host:port", ""},
		{"rmr /x", 0, "", "The command 'rmr' has been deprecated. Please use 'deleteall' instead.\n"},
		{"set -v x /x y", 1, "", "-v argument must be an int value\n"},
		{"reconfig -file /none", 1, "", "Error processing /none/none (No such file or directory)\n"},
		{"addauth nonsense x", 1, "", "\nWATCHER::\n\nWatchedEvent state:AuthFailed"},
		{"ls /", 0, "Not connected\n", ""},
	}
	for _, tt := range tests {
		out.Reset()
		errs.Reset()
		code := sh.Do(t.Context(), strings.Fields(tt.words))
		if code != tt.code || !strings.HasPrefix(out.String(), tt.out) || !strings.HasPrefix(errs.String(), tt.errs) || tt.errs == "" && errs.Len() > 0 {
			t.Errorf("%s: code %d, out %q, errs %q, want %d %q %q", tt.words, code, out.String(), errs.String(), tt.code, tt.out, tt.errs)
		}
	}
}

func TestNoServerIsSaid(t *testing.T) {
	s := zktest.NewServer(t)
	s.Stop()
	sh := zkshell.New(zkshell.Config{Servers: s.Addr(), Resolve: resolve, Out: io.Discard, Err: io.Discard})
	defer sh.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := sh.Connect(ctx); !errors.Is(err, client.ErrNotConnected) {
		t.Errorf("connect = %v, want %v", err, client.ErrNotConnected)
	}
}

// A screen collects what a terminal shows.
type screen struct {
	io.Reader
	mu   sync.Mutex // protects the fields below
	text bytes.Buffer
	more chan struct{} // closed and replaced by each write
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	close(s.more)
	s.more = make(chan struct{})
	return len(b), nil
}

// shows waits until the screen has shown what matches.
func (s *screen) shows(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		text, more := s.text.String(), s.more
		s.mu.Unlock()
		if re.MatchString(text) {
			return
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("the screen never showed %q; it shows %q", pattern, text)
		}
	}
}

// A person types, uses Tab and the arrow keys, sees a watch fire at the prompt, and
// leaves with Ctrl-D.
func TestAPersonAtATerminal(t *testing.T) {
	s := zktest.NewServer(t)
	keys, typed := io.Pipe()
	scr := &screen{Reader: keys, more: make(chan struct{})}
	sh := open(t, s.Addr(), scr, func(cfg *zkshell.Config) { cfg.Interactive = true })
	raw := 0
	done := make(chan int)
	go func() {
		code, err := sh.Interact(t.Context(), zkshell.Terminal{
			ReadWriter: scr,
			Raw:        func() (func(), error) { raw++; return func() { raw-- }, nil },
			Size:       func() (int, int, error) { return 120, 40, nil },
		})
		if err != nil || raw != 0 {
			t.Errorf("interact = %v, %d times raw", err, raw)
		}
		done <- code
	}()
	press := func(text string) {
		t.Helper()
		if _, err := io.WriteString(typed, text); err != nil {
			t.Fatal(err)
		}
	}
	scr.shows(t, `(?s)state:SyncConnected type:None path:null.*\[zk: \S+\(CONNECTED\) 0\] `)
	press("creat\t /apple red\r")
	scr.shows(t, `Created /apple\r\n.*\(CONNECTED\) 1\] `)
	press("get -w /ap\t\r")
	scr.shows(t, `get -w /apple`)
	scr.shows(t, `(?s)\(CONNECTED\) 2\] `)
	other := open(t, s.Addr(), io.Discard)
	other.Do(t.Context(), []string{"set", "/apple", "\x1b[31mred"})
	scr.shows(t, `(?s)NodeDataChanged path:/apple\r\n.*\(CONNECTED\) 2\] `)
	press("\x1b[A\r") // up
	scr.shows(t, "\uFFFD\\[31mred")
	press("delete /no\r")
	scr.shows(t, `Node does not exist: /no`)
	press("\x04")
	if code := <-done; code != 1 {
		t.Errorf("exit code = %d, want the last command's", code)
	}
}

// A signal at the prompt: the terminal is given back though nobody presses a key.
func TestTerminalIsGivenBackAtTheEnd(t *testing.T) {
	s := zktest.NewServer(t)
	keys, typed := io.Pipe()
	defer typed.Close()
	scr := &screen{Reader: keys, more: make(chan struct{})}
	sh := open(t, s.Addr(), scr, func(cfg *zkshell.Config) { cfg.Interactive = true })
	ctx, cancel := context.WithCancel(t.Context())
	raw, done := 0, make(chan error)
	go func() {
		_, err := sh.Interact(ctx, zkshell.Terminal{
			ReadWriter: scr,
			Raw:        func() (func(), error) { raw++; return func() { raw-- }, nil },
			Size:       func() (int, int, error) { return 80, 25, nil },
		})
		done <- err
	}()
	scr.shows(t, `\(CONNECTED\) 0\] `)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || raw != 0 {
		t.Errorf("interact = %v, %d times raw", err, raw)
	}
}
