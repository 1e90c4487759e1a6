package zkshell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A Config says how to run a shell. The zero value of a field means its default.
type Config struct {
	// Servers is what the shell connects to first, as Resolve understands it.
	Servers string

	// Resolve says how to reach servers; the argument of connect goes through it
	// too. The shell sets OnEvent. There must be one.
	Resolve func(servers string) (client.Config, error)

	// Out gets answers and what watches saw, Err the rest. Both are written to from
	// several goroutines, one at a time. There must be both.
	Out, Err io.Writer

	// Interactive shows events of the connection on Out, as zkCli does; otherwise
	// they go to Err, and those of a normal beginning and end nowhere.
	Interactive bool

	// Version is what the command version says.
	Version string

	// ReadFile reads the file of reconfig. Default: there are no files.
	ReadFile func(name string) ([]byte, error)

	// Location is where the times of a stat are shown. Default: time.Local.
	Location *time.Location
}

// A Shell does commands, one at a time. Its methods are for one goroutine.
type Shell struct {
	cfg Config
	out *lockedWriter // Config.Out, until a terminal takes its place
	err *lockedWriter

	servers string
	c       *client.Client

	lines map[int]string // what was typed, by number
	count int            // of lines
	code  int            // of the last command
	quit  bool

	printWatches atomic.Bool
}

// New returns a shell without a connection.
func New(cfg Config) *Shell {
	if cfg.ReadFile == nil {
		cfg.ReadFile = func(string) ([]byte, error) { return nil, errors.New("no such file or directory") }
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	output := new(sync.Mutex)
	s := &Shell{
		cfg: cfg, out: &lockedWriter{mu: output, w: cfg.Out}, err: &lockedWriter{mu: output, w: cfg.Err},
		servers: cfg.Servers, lines: make(map[int]string),
	}
	s.printWatches.Store(true)
	return s
}

// Connect starts a session with [Config.Servers] and waits for it. When ctx ends
// first the error is [client.ErrNotConnected].
func (s *Shell) Connect(ctx context.Context) error {
	if err := s.open(s.servers); err != nil {
		return err
	}
	return s.c.Wait(ctx)
}

// open leaves the session there is and starts one with servers. It does not wait.
func (s *Shell) open(servers string) error {
	cfg, err := s.cfg.Resolve(servers)
	if err != nil {
		return err
	}
	s.Close()
	first := true // of the events of the connection, which come from one goroutine
	cfg.OnEvent = func(e wire.WatcherEvent) {
		if e.Type != wire.EventNone {
			s.heard(e, false)
			return
		}
		s.heard(e, first)
		first = false
	}
	c, err := client.New(cfg)
	if err != nil {
		return err
	}
	s.servers, s.c = servers, c
	go c.Run(context.Background()) // ends with Close
	return nil
}

// Close ends the session.
func (s *Shell) Close() {
	if s.c != nil {
		s.c.Close()
	}
}

// heard prints an event. It is called by the client's goroutine.
func (s *Shell) heard(e wire.WatcherEvent, first bool) {
	switch {
	case !s.printWatches.Load():
	case e.Type != wire.EventNone || s.cfg.Interactive:
		io.WriteString(s.out, formatEvent(e))
	case !first && e.State != wire.StateClosed:
		io.WriteString(s.err, formatEvent(e))
	}
}

// Do does one command and returns its exit code.
func (s *Shell) Do(ctx context.Context, words []string) int {
	s.code = 0
	if err := s.command(ctx, words); err != nil {
		s.failed(ctx, err)
	}
	return s.code
}

// Execute does a line, which gets a number in the history, and returns the exit
// code. An empty line is nothing.
func (s *Shell) Execute(ctx context.Context, line string) int {
	if line == "" {
		return s.code
	}
	s.lines[s.count] = line
	s.Do(ctx, Split(line))
	s.count++
	delete(s.lines, s.count-keptLines)
	return s.code
}

// keptLines is how many lines redo can reach back.
const keptLines = 10_000

// failed prints why a command was not done.
func (s *Shell) failed(ctx context.Context, err error) {
	s.code = exitFailed
	if f, ok := errors.AsType[*failure](err); ok {
		s.code = f.code
	}
	if ctx.Err() == nil {
		fmt.Fprintln(s.err, err)
	}
}

// command finds the command of words and does it.
func (s *Shell) command(ctx context.Context, words []string) error {
	if len(words) == 0 {
		io.WriteString(s.err, Usage())
		return failf("No command entered")
	}
	name := words[0]
	if name == "help" {
		_, err := io.WriteString(s.out, Usage())
		return err
	}
	if now, ok := aliases[name]; ok {
		fmt.Fprintf(s.err, "The command '%s' has been deprecated. Please use '%s' instead.\n", name, now)
		name = now
	}
	cmd, ok := find(name)
	if _, own := shellUsage[name]; !ok && !own {
		io.WriteString(s.err, Usage())
		return &failure{text: "Command not found: Command not found " + name, code: exitNotFound}
	}
	if !ok {
		if err := s.own(ctx, name, words[1:]); err != nil || s.quit {
			return err
		}
	}
	if s.c == nil || s.c.Err() != nil {
		fmt.Fprintln(s.out, "Not connected")
		return nil
	}
	if !ok {
		return nil
	}
	k, err := newCall(cmd, words, s.c, s.cfg, s.out, s.err)
	if err != nil {
		return err
	}
	return cmd.run(ctx, k)
}

// own does a command of the shell itself.
func (s *Shell) own(ctx context.Context, name string, args []string) error {
	switch name {
	case "quit":
		s.quit = true
	case "history":
		for i := max(0, s.count-10); i <= s.count; i++ {
			fmt.Fprintf(s.out, "%d - %s\n", i, s.lines[i])
		}
	case "redo":
		if len(args) > 0 {
			return s.redo(ctx, args[0])
		}
	case "printwatches":
		if len(args) > 0 {
			s.printWatches.Store(args[0] == "on")
		} else {
			fmt.Fprintf(s.out, "printwatches is %s\n", map[bool]string{true: "on", false: "off"}[s.printWatches.Load()])
		}
	case "connect":
		servers := s.servers
		if len(args) > 0 {
			servers = args[0]
		}
		if err := s.open(servers); err != nil {
			return failf("%v", err)
		}
	}
	return nil
}

// redo does a line again. The history then shows that line in place of the redo.
func (s *Shell) redo(ctx context.Context, number string) error {
	i, err := strconv.ParseInt(number, 0, 32)
	if err != nil {
		return failf("redo needs the number of a command, got %q", number)
	}
	line, ok := s.lines[int(i)]
	if !ok || int(i) >= s.count {
		return failf("Command index out of range")
	}
	words := Split(line)
	if len(words) > 0 && words[0] == "redo" {
		return failf("No redoing redos")
	}
	s.lines[s.count] = line
	s.Do(ctx, words)
	return nil
}

// A lockedWriter is written to by one goroutine at a time.
type lockedWriter struct {
	mu *sync.Mutex // protects w and what is behind it; shared with other writers
	w  io.Writer
}

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(b)
}

// redirect makes w the writer from now on.
func (w *lockedWriter) redirect(to io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.w = to
}
