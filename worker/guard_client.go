package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

const (
	// guardPatience is how long the guard may take to read a request or to kill
	// what it is told to kill. A guard that is stopped or stuck longer is killed,
	// and its commands by their process groups.
	guardPatience = 2 * time.Second

	// guardPause is the shortest time between two starts of a guard process.
	guardPause = time.Second
)

var errNoGuard = errors.New("worker: no guard configured: this worker runs handlers only")

// guardClient is the worker's side of the guard: it keeps one guard process
// and talks to it. Its methods may be called from any goroutine.
type guardClient struct {
	argv []string
	log  zerolog.Logger

	// fenced tells of sessions the guard ended by itself, because their lease
	// ran out while this process was not looking. One slot; newest wins.
	fenced chan uint64

	runs atomic.Uint64 // the last number given to a run

	mu      sync.Mutex // protects the fields below; not held while writing
	proc    *guardProcess
	started time.Time // of proc
	session uint64    // the last lease, for a guard that starts later
	lease   int64
	closed  bool
}

// guardProcess is one life of the guard.
type guardProcess struct {
	cmd  *exec.Cmd
	in   *os.File
	dead chan struct{} // closed by readLoop when the process is gone

	writing sync.Mutex // held while writing to in

	mu       sync.Mutex // protects the fields below
	commands map[uint64]*command
	fences   map[uint64]chan struct{} // who waits for the end of a session; closed
	gone     bool
}

// command is a command in the hands of the guard.
type command struct {
	run   uint64
	mark  string
	proc  *guardProcess
	pid   int             // 0: not known to have started; protected by proc.mu
	ended chan endedEvent // one event, buffered
}

func newGuardClient(argv []string, log zerolog.Logger) *guardClient {
	return &guardClient{argv: argv, log: log, fenced: make(chan uint64, 1)}
}

// start asks for a command. Its end comes on the command's ended channel,
// whatever happens. It starts the guard process if there is none, and waits
// before it replaces one that died young; an error says that there can be none.
func (c *guardClient) start(ctx context.Context, req startRequest) (*command, error) {
	for {
		p, pause, err := c.process()
		if err != nil {
			return nil, err
		}
		if p != nil {
			cmd := &command{run: c.runs.Add(1), mark: req.Mark, proc: p, ended: make(chan endedEvent, 1)}
			req.Run = cmd.run
			if p.add(cmd) {
				p.write(appendFrame(nil, frameStart, req.append))
				return cmd, nil
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// signal sends sig to the command's process group, if it has not ended.
func (c *command) signal(sig syscall.Signal) {
	c.proc.write(appendRun(nil, frameSignal, c.run, int(sig)))
}

// extend tells the guard that commands of the session may live until the lease
// ends. A lease that is over already is told, too.
func (c *guardClient) extend(session uint64, lease time.Time) {
	deadline := leaseDeadline(lease)
	c.mu.Lock()
	c.session, c.lease = session, deadline
	p := c.proc
	c.mu.Unlock()
	if p != nil {
		p.write(appendLease(nil, session, deadline))
	}
}

// leaseDeadline translates to boottime. The clock is read first: if this
// process is stopped between the two readings, the lease only gets shorter.
func leaseDeadline(lease time.Time) int64 {
	now := boottime()
	return now + int64(time.Until(lease))
}

// end kills every command of the session and returns when they are dead. If
// the guard does not do so in time, it is killed itself.
func (c *guardClient) end(session uint64) {
	c.mu.Lock()
	p := c.proc
	c.mu.Unlock()
	if p == nil {
		return
	}
	done := p.awaitFence(session)
	p.write(appendSession(nil, frameFence, session))
	patience := time.NewTimer(guardPatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-p.dead:
	case <-patience.C:
		c.log.Error().Msg("guard does not answer: killed")
		p.kill()
		<-p.dead
	}
}

// close lets the guard process end, which kills what commands are left, and
// waits for it.
func (c *guardClient) close() {
	c.mu.Lock()
	c.closed = true
	p := c.proc
	c.mu.Unlock()
	if p == nil {
		return
	}
	_ = p.in.Close()
	patience := time.NewTimer(guardPatience)
	defer patience.Stop()
	select {
	case <-p.dead:
	case <-patience.C:
		p.kill()
		<-p.dead
	}
}

// process returns the living guard process, or starts one, or says how long to
// wait before one is started again.
func (c *guardClient) process() (p *guardProcess, pause time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc != nil && !c.proc.isGone() {
		return c.proc, 0, nil
	}
	if len(c.argv) == 0 {
		return nil, 0, errNoGuard
	}
	if c.closed {
		return nil, 0, ErrStopped
	}
	if c.proc != nil {
		if pause := guardPause - time.Since(c.started); pause > 0 {
			return nil, pause, nil
		}
		c.log.Warn().Msg("guard process died: started again")
	}
	c.started = time.Now()
	p, err = startGuard(c.argv, c.onFenced)
	if err != nil {
		return nil, 0, fmt.Errorf("start guard process: %w", err)
	}
	c.proc = p
	if c.session != 0 {
		p.write(appendLease(nil, c.session, c.lease))
	}
	return p, 0, nil
}

func (c *guardClient) onFenced(session uint64) {
	for {
		select {
		case c.fenced <- session:
			return
		case <-c.fenced: // older news
		}
	}
}

// startGuard starts a guard process in a session of its own: what is typed at
// this process's terminal does not reach it.
func startGuard(argv []string, onFenced func(uint64)) (*guardProcess, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, inW.Close())
	}
	defer outW.Close()

	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inR, outW, os.Stderr
	cmd.Env = passedOn("PATH", "HOME", "LANG", "USER", "TMPDIR")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, inW.Close(), outR.Close())
	}
	p := &guardProcess{
		cmd: cmd, in: inW, dead: make(chan struct{}),
		commands: make(map[uint64]*command), fences: make(map[uint64]chan struct{}),
	}
	go p.readLoop(outR, onFenced) // ends with the process
	return p, nil
}

// readLoop takes the guard's events until it is gone, and then buries it.
func (p *guardProcess) readLoop(out *os.File, onFenced func(uint64)) {
	events := newFrames(out)
	for {
		kind, payload, err := events.next()
		if err == nil {
			err = p.handle(kind, payload, onFenced)
		}
		if err != nil {
			break
		}
	}
	p.kill()
	_ = p.cmd.Wait()
	_ = out.Close()
	_ = p.in.Close()
	p.bury()
	close(p.dead)
}

func (p *guardProcess) handle(kind byte, payload []byte, onFenced func(uint64)) error {
	switch kind {
	case frameStarted:
		run, pid, err := decodeRun(payload)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if c := p.commands[run]; c != nil {
			c.pid = pid
		}
	case frameEnded:
		var e endedEvent
		if err := e.decode(payload); err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if c := p.commands[e.Run]; c != nil {
			delete(p.commands, e.Run)
			c.ended <- e
		}
	case frameFenced:
		session, err := decodeSession(payload)
		if err != nil {
			return err
		}
		p.fenced(session)
		onFenced(session)
	default:
		return fmt.Errorf("%w: kind %q", errFrame, kind)
	}
	return nil
}

// bury ends the commands of a guard that is gone. On Linux the commands
// themselves died with it; this is for the rest of their groups, whose numbers
// cannot have been given away while any of their processes lives, and for what
// left the groups.
func (p *guardProcess) bury() {
	p.mu.Lock()
	p.gone = true // nothing is added any more
	left := p.commands
	p.commands = nil
	p.mu.Unlock()

	marks := make(map[string]bool)
	for _, c := range left {
		if c.pid > 0 {
			_ = syscall.Kill(-c.pid, syscall.SIGKILL)
		}
		if c.mark != "" {
			marks[c.mark] = true
		}
	}
	if len(marks) > 0 {
		killMarked(marks)
	}
	for run, c := range left {
		c.ended <- endedEvent{Run: run, GuardDied: true}
	}
}

func (p *guardProcess) add(c *command) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false
	}
	p.commands[c.run] = c
	return true
}

func (p *guardProcess) isGone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// awaitFence returns a channel that is closed when the session's processes are
// dead.
func (p *guardProcess) awaitFence(session uint64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.fences[session]
	if done == nil {
		done = make(chan struct{})
		p.fences[session] = done
	}
	return done
}

func (p *guardProcess) fenced(upTo uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for session, done := range p.fences {
		if session <= upTo {
			close(done)
			delete(p.fences, session)
		}
	}
}

// write sends a frame. A guard that does not read is as good as dead, and is
// made so: its commands' ends are reported by that.
func (p *guardProcess) write(frame []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	_ = p.in.SetWriteDeadline(time.Now().Add(guardPatience))
	if _, err := p.in.Write(frame); err != nil {
		p.kill()
	}
}

// kill ends the process at once. The kernel kills its commands in turn.
func (p *guardProcess) kill() { _ = p.cmd.Process.Kill() }
