package worker

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/boottime"
)

// guardLink is the worker's side of one guard process, from its start to its
// death.
type guardLink struct {
	cmd  *exec.Cmd
	log  zerolog.Logger
	in   *os.File
	dead chan struct{} // closed by readLoop when the process is gone

	writing sync.Mutex // held while writing to in

	mu       sync.Mutex // protects the fields below
	commands map[uint64]*command
	fences   map[uint64]chan struct{} // who waits for the end of a session; closed
	ready    bool                     // it has said so
	gone     bool
	watch    guardWatch
	alarm    *time.Timer // runs look when watch says so
}

// command is a command in the hands of the guard.
type command struct {
	run   uint64
	mark  string
	link  *guardLink
	pid   int             // 0: not known to have started; protected by link.mu
	ended chan endedEvent // one event, buffered
}

// signal sends sig to the command's process group, if it has not ended.
func (c *command) signal(sig syscall.Signal) {
	c.link.write(appendRun(nil, frameSignal, c.run, int(sig)))
}

// startGuard starts a guard process in a session of its own: what is typed at
// this process's terminal does not reach it.
// It has the files open besides, from descriptor 3 on.
func startGuard(argv []string, files []*os.File, onFenced func(uint64), log zerolog.Logger) (*guardLink, error) {
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
	cmd.ExtraFiles = files
	cmd.Env = passedOn("PATH", "HOME", "LANG", "USER", "TMPDIR")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, inW.Close(), outR.Close())
	}
	p := &guardLink{
		cmd: cmd, log: log, in: inW, dead: make(chan struct{}),
		commands: make(map[uint64]*command), fences: make(map[uint64]chan struct{}),
	}
	p.alarm = time.AfterFunc(time.Hour, p.look) // stopped by bury
	go p.readLoop(outR, onFenced)               // ends with the process
	return p, nil
}

// readLoop takes the guard's events until it is gone, and then buries it.
func (p *guardLink) readLoop(out *os.File, onFenced func(uint64)) {
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

func (p *guardLink) handle(kind byte, payload []byte, onFenced func(uint64)) error {
	switch kind {
	case frameReady:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ready = true
	case frameLeased:
		session, deadline, err := decodeLease(payload)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.watch.answered(session, deadline)
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
func (p *guardLink) bury() {
	p.mu.Lock()
	p.gone = true // nothing is added any more
	p.alarm.Stop()
	ready := p.ready
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
		killMarked(func(mark string) bool { return marks[mark] })
	}
	for run, c := range left {
		c.ended <- endedEvent{Run: run, GuardDied: true, Unstarted: !ready}
	}
}

func (p *guardLink) add(c *command) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false
	}
	p.commands[c.run] = c
	return true
}

func (p *guardLink) isGone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// awaitFence returns a channel that is closed when the session's processes are
// dead.
func (p *guardLink) awaitFence(session uint64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.fences[session]
	if done == nil {
		done = make(chan struct{})
		p.fences[session] = done
	}
	return done
}

func (p *guardLink) fenced(upTo uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch.fenced(upTo)
	for session, done := range p.fences {
		if session <= upTo {
			close(done)
			delete(p.fences, session)
		}
	}
}

// lease sends a lease, and sees to it that the guard keeps to it.
func (p *guardLink) lease(session uint64, deadline int64, slack time.Duration) {
	p.mu.Lock()
	p.watch.asked(session, deadline, slack)
	if !p.gone && !p.watch.late {
		p.alarm.Reset(max(0, time.Duration(p.watch.due-boottime.Now())))
	}
	p.mu.Unlock()
	p.write(appendLease(nil, frameLease, session, deadline))
}

// look kills the guard if it is silent past its lease. Called by alarm.
func (p *guardLink) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	again, kill := p.watch.look(boottime.Now())
	switch {
	case p.gone:
	case kill:
		p.log.Error().Msg("guard is silent past its lease: killed")
		p.kill()
	case again > 0:
		p.alarm.Reset(again)
	}
}

// leases returns how many leases were sent, and how many the guard has answered.
// It answers one when it has done what was asked before it.
func (p *guardLink) leases() (sent, heard uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watch.sent, p.watch.heard
}

// write sends a frame. A guard that does not read is as good as dead, and is
// made so: its commands' ends are reported by that.
func (p *guardLink) write(frame []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	_ = p.in.SetWriteDeadline(time.Now().Add(guardPatience))
	if _, err := p.in.Write(frame); err != nil {
		p.kill()
	}
}

// kill ends the process at once. The kernel kills its commands in turn.
func (p *guardLink) kill() { _ = p.cmd.Process.Kill() }
