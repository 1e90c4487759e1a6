package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mwqueue/mw/boottime"
)

// drainGrace is how long the guard waits for the end of a command's output
// after its processes were killed. Only a process that left the group and
// dropped its environment can still hold a pipe then.
const drainGrace = 500 * time.Millisecond

// RunGuard is the guard process: it runs the commands of one worker as its own
// children, so that none outlives the worker whatever happens to that. It
// reads requests from in and reports on out; see the package documentation for
// what it promises. It returns the process's exit status when in has ended and
// every command and every process they left behind is dead.
//
// RunGuard takes over the signals and the children of the process. Nothing
// else may run in it. A worker starts the program twice; what each is to be it
// hears from in.
func RunGuard(in io.Reader, out io.Writer) int {
	requests := newFrames(in)
	if requests.is(frameSentinel) {
		return runSentinel(requests)
	}
	g, err := newGuard(out)
	if err == nil {
		err = g.run(requests)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mw: guard:", err)
		return 1
	}
	return 0
}

// guard is the state of the guard process.
//
//	frames    -> read     lease, start, signal, fence
//	starts    -> spawn    on threads of their own
//	exits     -> reap     kill the rest of the group, and strays
//	lease end -> fence    kill everything
//	pipe end  -> fence    and end
type guard struct {
	null   *os.File // /dev/null: what commands read; kept, or its descriptor would be closed
	alarm  *boottime.Alarm
	events outbox

	// forking is held for reading from before a fork until the child's pid is
	// in pids. Taking it for writing waits for the forks under way.
	forking sync.RWMutex

	// born wakes the reaper when it has no children to wait for.
	born chan struct{}

	mu       sync.Mutex // protects the fields below; no I/O under it
	starts   []*guarded // to be spawned, oldest first
	waiting  sync.Cond  // for starts
	runs     map[uint64]*guarded
	pids     map[int]*guarded // the commands that are not reaped
	spawning int              // forks admitted and not yet in pids
	session  uint64           // the newest one leased
	deadline int64            // boottime; of session's lease
	over     uint64           // sessions up to this one are over
	unacked  uint64           // whose end the worker has yet to hear of; 0: none
	adopted  int              // strays seen by the last sweep
	closing  bool

	// burying is held while children are reaped, and while strays are listed
	// and killed. Taken before forking and mu.
	burying sync.Mutex // protects the fields below
	orphans *orphanage
	strays  map[int]stray // by pid
	resweep bool          // a sweep is due soon
}

// guarded is a command in the guard.
type guarded struct {
	startRequest
	streams [2]*stream

	// parts counts what has yet to end: the process and two streams. Who takes
	// it to 0 reports.
	parts atomic.Int32

	// Protected by guard.mu until reaped, then constant.
	pid    int
	reaped bool
	fenced bool
	signal syscall.Signal // came before it was started
	ended  endedEvent
}

func newGuard(out io.Writer) (*guard, error) {
	takeSignals()
	hideInherited()
	if err := adoptOrphans(); err != nil {
		return nil, fmt.Errorf("become subreaper: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	alarm, err := boottime.NewAlarm()
	if err != nil {
		return nil, err
	}
	g := &guard{
		null: null, alarm: alarm, born: make(chan struct{}, 1),
		runs: make(map[uint64]*guarded), pids: make(map[int]*guarded), orphans: newOrphanage(), strays: make(map[int]stray),
	}
	g.waiting.L = &g.mu
	g.events.init(out)
	return g, nil
}

// takeSignals makes signals harmless: a guard ends with its pipe, and by nothing
// else. Ignored signals would be inherited by the commands; handled ones are not.
func takeSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP,
		syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2)
}

// run serves the worker until in ends. The goroutines it starts are ended by
// the end of the process.
func (g *guard) run(requests *frames) error {
	// Not by way of the outbox: a guard that dies unheard has started nothing.
	if _, err := g.events.out.Write(appendFrame(nil, frameReady, func(b []byte) []byte { return b })); err != nil {
		return fmt.Errorf("write to worker: %w", err)
	}
	dead := make(chan struct{})
	go g.events.writeLoop()
	go g.alarmLoop()
	go func() {
		defer close(dead)
		g.reapLoop()
	}()
	// A fork waits for its exec, and keeps what Go calls a P meanwhile: the
	// others must have some left, whatever the disk does, and be stopped for
	// garbage collection as rarely as can be.
	procs := runtime.GOMAXPROCS(0)
	spawners := min(2*procs, 8)
	runtime.GOMAXPROCS(spawners + procs)
	debug.SetGCPercent(400)
	for range spawners {
		onOwnThread(g.spawnLoop)
	}

	err := g.readLoop(requests)
	g.close()
	<-dead
	return err
}

func (g *guard) readLoop(requests *frames) error {
	for {
		kind, payload, err := requests.next()
		if err == nil {
			err = g.serve(kind, payload)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (g *guard) serve(kind byte, payload []byte) error {
	switch kind {
	case frameLease:
		session, deadline, err := decodeLease(payload)
		if err != nil {
			return err
		}
		return g.lease(session, deadline)
	case frameStart:
		r := new(guarded)
		if err := r.decode(payload); err != nil {
			return err
		}
		g.start(r)
	case frameSignal:
		run, sig, err := decodeRun(payload)
		if err != nil {
			return err
		}
		g.kill(run, syscall.Signal(sig))
	case frameFence:
		session, err := decodeSession(payload)
		if err != nil {
			return err
		}
		g.fence(session)
	default:
		return fmt.Errorf("%w: kind %q", errFrame, kind)
	}
	return nil
}

// lease lets commands of the session run until the deadline. It cannot revive
// a session that is over. It is answered in any case: the worker hears that the
// guard is there.
func (g *guard) lease(session uint64, deadline int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events.send(appendLease(nil, frameLeased, session, deadline))
	if session <= g.over || session < g.session {
		return nil
	}
	g.session, g.deadline = session, deadline
	return g.alarm.Set(deadline)
}

// alarmLoop fences the session whose lease has run out.
func (g *guard) alarmLoop() {
	for g.alarm.Wait() == nil {
		g.mu.Lock()
		if g.session > g.over && boottime.Now() >= g.deadline {
			g.fenceLocked(g.session)
		}
		g.mu.Unlock()
	}
}

func (g *guard) start(r *guarded) {
	r.parts.Store(3)
	r.ended.Run = r.Run
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs[r.Run] = r
	g.starts = append(g.starts, r)
	g.waiting.Signal()
}

// kill signals the group of a command. One that is not started yet will not be.
func (g *guard) kill(run uint64, sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.runs[run]
	switch {
	case r == nil || r.reaped: // has ended meanwhile
	case r.pid == 0:
		r.signal = sig
	default:
		_ = syscall.Kill(-r.pid, sig) // it is a zombie at least: cannot fail
	}
}

func (g *guard) fence(session uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fenceLocked(session)
}

// fenceLocked ends the sessions up to the given one. Strays are the reaper's:
// there are none unless a command's end is yet to be reaped.
func (g *guard) fenceLocked(session uint64) {
	g.over = max(g.over, session)
	g.unacked = g.over
	for _, r := range g.runs {
		if r.Session > g.over || r.reaped {
			continue
		}
		r.fenced = true
		if r.pid != 0 {
			_ = syscall.Kill(-r.pid, syscall.SIGKILL)
		}
	}
	g.ackLocked()
}

// ackLocked tells the worker that a fenced session's processes are dead, once
// they are.
func (g *guard) ackLocked() {
	if g.unacked == 0 || g.spawning > 0 || len(g.pids) > 0 || g.adopted > 0 {
		return
	}
	g.events.send(appendSession(nil, frameFenced, g.unacked))
	g.unacked = 0
}

// close ends everything: the worker is gone.
func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing = true
	g.fenceLocked(^uint64(0))
	g.wakeReaper()
}

func (g *guard) wakeReaper() {
	select {
	case g.born <- struct{}{}:
	default:
	}
}

// report is called when a part of the run has ended; the last one reports.
func (g *guard) report(r *guarded) {
	if r.parts.Add(-1) > 0 {
		return
	}
	for i, end := range []*streamEnd{&r.ended.Stdout, &r.ended.Stderr} {
		if s := r.streams[i]; s != nil {
			*end = s.end()
		}
	}
	r.ended.Stdout.Tail, r.ended.Stderr.Tail = shareTail(r.ended.Stdout.Tail, r.ended.Stderr.Tail)

	g.mu.Lock()
	delete(g.runs, r.Run)
	g.mu.Unlock()
	g.events.send(appendFrame(nil, frameEnded, r.ended.append))
}
