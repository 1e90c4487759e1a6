package worker

import (
	"slices"
	"syscall"
	"time"
)

// reapLoop buries the dead. It returns when the guard is closing and has no
// children.
func (g *guard) reapLoop() {
	for {
		dead, err := nextExit()
		if err == nil {
			g.reap(dead)
			continue
		}
		if g.lastReaped() { // no children at all
			return
		}
		<-g.born
	}
}

// lastReaped reports whether the guard is closing and nothing can be born any
// more.
func (g *guard) lastReaped() bool {
	g.awaitForks()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.adopted = 0
	g.ackLocked()
	return g.closing && len(g.pids) == 0
}

// reap buries one child: a command, or a stray. A command takes the rest of
// its process group with it.
func (g *guard) reap(dead exit) {
	r := g.commandOf(dead.pid)
	g.burying.Lock()
	g.mu.Lock()
	if r != nil {
		// The zombie keeps the group's number from being given to others.
		_ = syscall.Kill(-dead.pid, syscall.SIGKILL)
	}
	status := dead.reap()
	if r != nil {
		delete(g.pids, dead.pid)
		r.setEnd(status)
	}
	g.mu.Unlock()
	delete(g.strays, dead.pid)
	g.sweepLocked()
	g.burying.Unlock()

	if r != nil {
		g.endStreams(r)
		g.report(r)
	}
}

// commandOf returns the command with that pid; nil means a stray.
func (g *guard) commandOf(pid int) *guarded {
	find := func() *guarded {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.pids[pid]
	}
	if r := find(); r != nil {
		return r
	}
	g.awaitForks() // it may have ended before the thread that forked it has said so
	return find()
}

// awaitForks waits until the forks now under way are settled.
func (g *guard) awaitForks() {
	g.forking.Lock()
	defer g.forking.Unlock()
}

func (r *guarded) setEnd(status syscall.WaitStatus) {
	r.reaped = true
	r.ended.Fenced = r.fenced
	if status.Signaled() {
		r.ended.Signal = int(status.Signal())
	} else {
		r.ended.Code = status.ExitStatus()
	}
}

// endStreams sees to it that the streams of a dead command end.
func (g *guard) endStreams(r *guarded) {
	if r.parts.Load() == 1 {
		return
	}
	time.AfterFunc(drainGrace, func() {
		for _, s := range r.streams {
			s.expire()
		}
	})
}

// stray is a process the guard adopted because its parent, some descendant of
// a command, died.
type stray struct {
	mark  string // of the command it came from; "": not known
	looks int    // how often the mark was looked for
}

// A process shows no environment while it is in the middle of an exec, so that
// the mark of a stray is looked for again.
const (
	strayLooks = 5
	strayPause = 10 * time.Millisecond
)

// sweepLocked kills the strays of commands that have ended. A stray without a
// mark dropped its environment: whose it is cannot be told, so that it lives
// until no command does.
//
// The caller holds burying: no stray can be reaped, and its pid given away,
// between being listed and being killed. What a killed stray leaves behind is
// adopted before the stray can be reaped, and swept then.
func (g *guard) sweepLocked() {
	list, mixed := g.orphans.list()
	if mixed {
		g.awaitForks() // so that the commands in the list can be told
	}
	var live map[string]bool
	if len(list) > 0 {
		list, live = g.withoutCommands(list)
	}
	again := false
	for _, pid := range list {
		dies, unsure := len(live) == 0, false
		if !dies {
			dies, unsure = g.isStrayLocked(pid, live)
		}
		if dies {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_ = syscall.Kill(-pid, syscall.SIGKILL) // its group, if it leads one
		}
		again = again || unsure
	}
	if again && !g.resweep {
		g.resweep = true
		time.AfterFunc(strayPause, g.sweepAgain)
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	g.adopted = len(list)
	g.ackLocked()
}

// isStrayLocked reports whether a process that was adopted is of a command
// that has ended, or whether that will have to be looked at again.
func (g *guard) isStrayLocked(pid int, live map[string]bool) (is, unsure bool) {
	s := g.strays[pid]
	if s.mark == "" && s.looks < strayLooks {
		s.mark, _ = processMark(pid)
		s.looks++
		g.strays[pid] = s
	}
	return s.mark != "" && !live[s.mark], s.mark == "" && s.looks < strayLooks
}

func (g *guard) sweepAgain() {
	g.burying.Lock()
	defer g.burying.Unlock()
	g.resweep = false
	g.sweepLocked()
}

// withoutCommands drops the commands from a list of children. live holds the
// marks of those whose strays are to be left alone: none when everything is to
// die.
func (g *guard) withoutCommands(children []int) (list []int, live map[string]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	list = slices.DeleteFunc(children, func(pid int) bool { return g.pids[pid] != nil })
	if g.unacked != 0 || len(g.pids)+g.spawning == 0 {
		return list, nil
	}
	live = make(map[string]bool, len(g.runs))
	for _, r := range g.runs {
		if !r.reaped {
			live[r.Mark] = true
		}
	}
	return list, live
}
