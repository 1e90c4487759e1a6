package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/boottime"
)

const (
	// guardPatience is how long the guard may take to read a request or to kill
	// what it is told to kill. A guard that is stopped or stuck longer is killed,
	// and its commands by their process groups.
	guardPatience = 2 * time.Second

	// guardPause is the shortest time between two starts of a guard process.
	guardPause = time.Second
)

var errNoGuard = &startError{exitNotExecutable, errors.New("worker: no guard configured: this worker runs handlers only")}

// launcher starts commands for the worker: it keeps one guard process running
// and hands them to it. Its methods may be called from any goroutine.
type launcher struct {
	argv []string
	log  zerolog.Logger

	// fenced tells of sessions the guard ended by itself, because their lease
	// ran out while this process was not looking. One slot; newest wins.
	fenced chan uint64

	runs atomic.Uint64 // the last number given to a run

	// mu protects the fields below. It is held while a guard process is started
	// and given its first lease, which its empty pipe takes at once; not while
	// writing to one that runs, which may be stuck.
	mu      sync.Mutex
	second  *sentinel // nil: not started yet, or not to be had
	watched string    // the instance the sentinel was last told of
	link    *guardLink
	started time.Time // of link
	session uint64    // the last lease, for a guard that starts later
	lease   int64
	slack   time.Duration // after it
	over    uint64        // sessions up to this one were ended
	closed  bool
}

func newLauncher(argv []string, log zerolog.Logger) *launcher {
	return &launcher{argv: argv, log: log, fenced: make(chan uint64, 1)}
}

// ready starts the guard process, so that the first command need not wait for
// it. Without a command line for it there is none, which is no error yet.
func (l *launcher) ready() error {
	if len(l.argv) == 0 {
		return nil
	}
	_, _, err := l.process()
	return err
}

// start asks for a command. Its end comes on the command's ended channel,
// whatever happens. It starts the guard process if there is none, and waits
// before it replaces one that died young; an error says that there can be none.
func (l *launcher) start(ctx context.Context, req startRequest) (*command, error) {
	for {
		p, pause, err := l.process()
		if err != nil {
			return nil, err
		}
		if p != nil {
			cmd := &command{run: l.runs.Add(1), mark: req.Mark, link: p, ended: make(chan endedEvent, 1)}
			req.Run = cmd.run
			l.watch(req.Mark)
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

// extend tells the guard that commands of the session may live until the lease
// ends. A lease that is over already is told, too. A guard that has not said
// within slack after the end of a lease that they are dead is killed.
func (l *launcher) extend(session uint64, lease time.Time, slack time.Duration) {
	deadline := leaseDeadline(lease)
	l.mu.Lock()
	over := session <= l.over
	if !over {
		l.session, l.lease, l.slack = session, deadline, slack
	}
	p := l.link
	l.mu.Unlock()
	if p != nil && !over {
		p.lease(session, deadline, slack)
	}
}

// leaseDeadline translates to boottime. The clock is read first: if this
// process is stopped between the two readings, the lease only gets shorter.
func leaseDeadline(lease time.Time) int64 {
	now := boottime.Now()
	return now + int64(time.Until(lease))
}

// end kills every command of the session and returns when they are dead. If
// the guard does not do so in time, it is killed itself.
func (l *launcher) end(session uint64) {
	l.mu.Lock()
	l.over = max(l.over, session)
	p := l.link
	l.mu.Unlock()
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
		l.log.Error().Msg("guard does not answer: killed")
		p.kill()
		<-p.dead
	}
}

// close lets the guard process end, which kills what commands are left, and
// waits for it.
func (l *launcher) close() {
	l.mu.Lock()
	l.closed = true
	p, second := l.link, l.second
	l.mu.Unlock()
	if second != nil {
		defer second.close() // when the guard has killed everything
	}
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
func (l *launcher) process() (p *guardLink, pause time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.link != nil && !l.link.isGone() {
		return l.link, 0, nil
	}
	if len(l.argv) == 0 {
		return nil, 0, errNoGuard
	}
	if l.closed {
		return nil, 0, ErrStopped
	}
	if l.link != nil {
		if pause := guardPause - time.Since(l.started); pause > 0 {
			return nil, pause, nil
		}
		l.log.Warn().Msg("guard process died: started again")
	}
	l.started = time.Now()
	p, err = startGuard(l.argv, l.heldLocked(), l.onFenced, l.log)
	if err != nil {
		return nil, 0, fmt.Errorf("worker: start guard process: %w", err)
	}
	l.link = p
	if l.session > l.over {
		p.lease(l.session, l.lease, l.slack)
	}
	return p, 0, nil
}

// heldLocked returns what a guard is to hold open as long as it lives: the
// sentinel's pipe.
func (l *launcher) heldLocked() []*os.File {
	if l.second == nil && hasMarks {
		second, err := newSentinel(l.argv)
		if err != nil {
			l.log.Warn().Err(err).Msg(noSentinel)
			return nil
		}
		l.second = second
	}
	if l.second == nil {
		return nil
	}
	return []*os.File{l.second.w}
}

const noSentinel = "what commands start may outlive a kill of worker and guard together"

// watch has the sentinel watch over the instance of a command.
func (l *launcher) watch(mark string) {
	l.mu.Lock()
	second, news := l.second, mark != "" && instanceIn(mark) != l.watched
	if news {
		l.watched = instanceIn(mark)
	}
	l.mu.Unlock()
	if second == nil || !news {
		return
	}
	if err := second.watch(instanceIn(mark)); err != nil {
		l.log.Warn().Err(err).Msg(noSentinel)
	}
}

func (l *launcher) onFenced(session uint64) {
	for {
		select {
		case l.fenced <- session:
			return
		case <-l.fenced: // older news
		}
	}
}
