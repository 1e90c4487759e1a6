package ensemble

import (
	"runtime/debug"
	"time"
)

// A simThread is one of the threads of a member's process. Each takes its turns
// when it has something to do, and a while after it has.
type simThread int

const (
	formThread simThread = iota // before there is raft; then the others
	loopThread
	appendThread
	applyThread
	snapshotThread
	prepareThread
	againThread
	transferThread
	relieveThread // the apply thread, for who needs room
	simThreads
)

// poll plans a turn for every thread that has something to do.
func (m *simMember) poll() {
	if m.former != nil {
		m.planTurn(formThread)
		return
	}
	for t := loopThread; t < simThreads; t++ {
		m.planTurn(t)
	}
}

// planTurn has a thread take its turn soon, if it has something to do and is not to
// take one already.
func (m *simMember) planTurn(t simThread) {
	if m.planned[t] || !m.wants(t) {
		return
	}
	m.planned[t] = true
	m.in(m.sim.upTo(m.within(t)), m.turns[t])
}

// wants reports whether a thread has something to do.
func (m *simMember) wants(t simThread) bool {
	n := m.node
	switch t {
	case formThread:
		return len(n.net.wake) > 0
	case loopThread:
		l := n.loop
		return len(l.in.wake)+len(l.net.wake)+len(l.backlog.wake)+len(l.reads.wake)+len(l.handOver.wake) > 0
	case appendThread:
		return (n.append.held != nil || len(n.append.in.wake) > 0) && m.stalled <= m.sim.now()
	case applyThread:
		return len(n.apply.in.wake) > 0
	case snapshotThread:
		return len(n.snaps.work) > 0
	case prepareThread:
		return n.preparer.was || len(n.wal.Wanted()) > 0
	case againThread:
		return len(n.snaps.idle) > 0
	case transferThread:
		return len(n.transfers.wake) > 0
	case relieveThread:
		return len(n.snaps.wanted) > 0
	}
	return false
}

// within says how long a thread may take to begin, at most.
func (m *simMember) within(t simThread) time.Duration {
	switch t {
	case appendThread:
		if m.sim.chance(m.sim.profile.slowDisk) {
			return 500 * time.Millisecond
		}
		if m.node.append.held != nil {
			return fullRetry
		}
		return time.Millisecond
	case applyThread:
		return 200 * time.Microsecond
	case snapshotThread:
		return 30 * time.Millisecond
	case prepareThread:
		if m.node.preparer.was {
			return prepareRetry
		}
		return 5 * time.Millisecond
	case againThread, transferThread, relieveThread:
		return time.Millisecond
	}
	return 50 * time.Microsecond
}

// thread gives the turn of a thread, as an event.
func (m *simMember) thread(t simThread) func() {
	return func() {
		m.planned[t] = false
		defer func() {
			if r := recover(); r != nil {
				m.sim.fail("member %d: %v\n%s", m.number, r, debug.Stack())
			}
		}()
		if err := m.take(t); err != nil {
			m.died(err)
		}
	}
}

// take has a thread take its turn.
func (m *simMember) take(t simThread) error {
	n, ctx := m.node, m.sim.t.Context()
	switch t {
	case formThread:
		m.form()
	case loopThread:
		m.loop()
		return n.loop.failed
	case appendThread:
		if n.append.held == nil {
			<-n.append.in.wake
		}
		return n.append.turn(ctx)
	case applyThread:
		<-n.apply.in.wake
		return n.apply.turn(ctx)
	case snapshotThread:
		return n.snaps.turn(ctx, <-n.snaps.work)
	case prepareThread:
		select {
		case <-n.wal.Wanted():
		default: // it was full
		}
		n.snaps.remind()
		return n.prepareOne()
	case againThread:
		<-n.snaps.idle
		n.snaps.again(n.apply.position, n.apply.machine)
	case transferThread:
		<-n.transfers.wake
		for _, message := range n.transfers.take() {
			m.transfer(message)
		}
	case relieveThread:
		<-n.snaps.wanted
		n.snaps.relieve(n.apply.position, n.apply.machine)
	}
	return nil
}

// loop is one turn of the raft loop: like its select it takes any one of what
// there is.
func (m *simMember) loop() {
	l := m.node.loop
	wakes := [...]chan struct{}{l.in.wake, l.net.wake, l.backlog.wake, l.reads.wake, l.handOver.wake}
	there := [len(wakes)]int{}
	n := 0
	for i, wake := range wakes {
		if len(wake) > 0 {
			there[n] = i
			n++
		}
	}
	if n > 0 {
		i := there[m.sim.rng.IntN(n)]
		<-wakes[i]
		switch i {
		case 0:
			l.step()
		case 1:
			l.receive()
		}
	}
	l.turn()
	m.sim.check.leads(m)
	m.hurry()
}

// form is one turn before there is raft.
func (m *simMember) form() {
	if m.former == nil {
		return // it was formed by a tick meanwhile
	}
	n := m.node
	<-n.net.wake
	for _, r := range n.net.take(nil) {
		n.take(m.former, r)
	}
	m.formed()
}
