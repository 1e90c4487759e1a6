package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

var (
	errFenced       = fmt.Errorf("%w: the guard found its lease run out", coordinator.ErrSessionLost)
	errDeregistered = fmt.Errorf("%w: the registration was deleted", coordinator.ErrSessionLost)
	errDrained      = errors.New("worker: drained")
)

// stopSlack is how much longer than the grace of its commands a worker that
// was told to stop may take to report, and to wait for handlers.
const stopSlack = 5 * time.Second

// instance is one registration of the worker, in one session. What it was
// assigned is its own for ever: the next instance does not inherit it.
//
//	listings  -> slots.list       read what is new, stop what is gone
//	haveRead  -> slots.arrived    or absent
//	ended     -> slots.ended      report
//	filed     -> slots.settled    and the next batch of reports
//	noticed   -> notice.written   how many attempts are being stopped
//	timer     -> slots.overdue    hand back
//	drain     -> slots.drain      hand back
//	stop      -> end the attempts
//	lost      -> end the attempts, now
type instance struct {
	w      *Worker
	s      *coordinator.Session
	name   string
	tree   string // see treeName; set by register
	number uint64 // for the guard
	log    zerolog.Logger

	slots *slots
	runs  map[*owed]context.CancelCauseFunc // of the attempts under way

	unread   []*owed    // to be sent to toRead
	toRead   chan *owed // from the loop to the readers
	haveRead chan read  // from the readers to the loop

	filed  chan filed // from the reporter to the loop; room for its one answer
	filing bool       // a batch is with the reporter

	notice  notice
	noticed chan error // from tellCondition's goroutine to the loop; room for its one answer
}

// filed is what became of a batch of reports.
type filed struct{ settled, rest []*report }

// ended is an attempt that is over.
type ended struct {
	owed    *owed
	attempt *attempt
	record  coordinator.Attempt

	// When it was not made there is no record.
	unmarked error // it was not to start: see mark
	fault    error // this worker's
}

// serve registers an instance and runs what it is assigned, until the session
// or the worker's work ends. It returns errDrained when the work has ended, and
// else why the session did. When it returns, no command of the instance is
// alive; what is left to report is in w.unreported and w.ended.
func (w *Worker) serve(ctx context.Context, drain <-chan struct{}, s *coordinator.Session) error {
	w.sessions++
	i := &instance{
		w: w, s: s, name: coordinator.NewInstance(w.cfg.Name), number: w.sessions,
		slots: newSlots(w.cfg.Slots, w.busy), runs: make(map[*owed]context.CancelCauseFunc),
		toRead: make(chan *owed), haveRead: make(chan read), filed: make(chan filed, 1),
		noticed: make(chan error, 1),
	}
	i.log = w.cfg.Log.With().Str("worker", i.name).Logger()
	live, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(s.Context(), func() { end(context.Cause(s.Context())) })()

	var wg sync.WaitGroup
	i.extendLease()
	wg.Go(func() { i.keepLease(live) })
	defer wg.Wait()
	defer end(nil)

	if err := w.store.noteInstance(i.name); err != nil {
		i.log.Warn().Err(err).Msg(noSentinel)
	}
	if err := i.register(live); err != nil {
		return err
	}
	i.log.Info().Str("addr", w.advertised).Int("slots", w.cfg.Slots).Msg("worker joined")
	wg.Go(func() { i.watchRegistration(live, end) })
	for range readers {
		wg.Go(func() { i.readLoop(live) })
	}
	err := i.loop(live, ctx, drain)
	if !errors.Is(err, coordinator.ErrSessionLost) { // the work has ended
		i.depart()
	}
	end(err)
	i.leave()
	return err
}

// keepLease tells the guard of each renewal. Started by serve, ends with the
// session.
func (i *instance) keepLease(ctx context.Context) {
	for {
		select {
		case <-i.s.Renewed():
			i.extendLease()
		case <-ctx.Done():
			return
		}
	}
}

// extendLease tells the guard how long it may let commands live. The service
// takes 0.4 of a session timeout longer than that to expire the session; a
// guard that does not do its part is killed in good time.
func (i *instance) extendLease() {
	i.w.launcher.extend(i.number, i.s.Lease(), i.s.Timeout()/8)
}

// register makes the parent of the assignments and the registration, over as
// many tries as it takes.
func (i *instance) register(ctx context.Context) error {
	data := i.registration(condition{})
	pause := coordinator.Backoff{First: firstPause, Most: lastPause}
	for tries := 0; ; tries++ {
		err := i.tryRegister(ctx, data)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !passes(err) {
			return fmt.Errorf("register %s: %w", i.name, err)
		}
		if tries == 0 {
			i.log.Warn().Err(err).Msg("not registered yet, trying on")
		}
		if err := pause.Wait(ctx); err != nil {
			return fmt.Errorf("register %s: %w", i.name, err)
		}
	}
}

// registration is what the instance says about itself.
func (i *instance) registration(c condition) []byte {
	host, _ := os.Hostname()
	return coordinator.Registration{
		Name: i.w.cfg.Name, Addr: i.w.advertised, Slots: i.w.cfg.Slots, Labels: i.w.cfg.Labels,
		Host: host, PID: os.Getpid(), Version: i.w.cfg.Version, Marks: true, Stopping: c.stopping, Draining: c.draining,
	}.Encode()
}

// tryRegister makes both znodes in one multi, so that nobody sees the one
// without the other.
func (i *instance) tryRegister(ctx context.Context, data []byte) error {
	if err := i.s.EnsureTree(ctx); err != nil {
		return err
	}
	tasks, exists, err := i.s.Exists(ctx, coordinator.TasksPath)
	if err != nil {
		return err
	}
	if !exists { // deleted since
		return coordinator.ErrTryLater
	}
	i.tree = treeName(tasks)
	i.w.store.serve(i.tree)
	_, err = i.s.Multi(ctx,
		coordinator.CreateOp(coordinator.AssignmentsPath(i.name), nil, coordinator.Persistent),
		coordinator.CreateOp(coordinator.WorkerPath(i.name), data, coordinator.Ephemeral))
	if !errors.Is(err, coordinator.ErrNodeExists) {
		return err
	}
	// Of a former try, whose answer was lost; the name is nobody else's.
	stat, exists, err := i.s.Exists(ctx, coordinator.WorkerPath(i.name))
	if err == nil && !(exists && stat.EphemeralOwner == i.s.ID()) {
		err = coordinator.ErrNodeExists
	}
	return err
}

// watchRegistration ends the session when the registration is deleted by
// hand: the master takes the worker for dead then. Started by serve, ends with
// the session.
func (i *instance) watchRegistration(ctx context.Context, end context.CancelCauseFunc) {
	if i.s.AwaitGone(ctx, coordinator.WorkerPath(i.name)) == nil {
		end(errDeregistered)
	}
}

// loop is the work of the instance. It owns slots. It returns errDrained, the
// cause of stop's end, or why the session ended.
func (i *instance) loop(live, stop context.Context, drain <-chan struct{}) error {
	listings := i.s.FollowChildren(live, coordinator.AssignmentsPath(i.name))
	timer := time.NewTimer(0)
	defer timer.Stop()
	var deadline <-chan time.Time // of stopping
	stopped := stop.Done()
	for {
		i.advance(live, timer)
		if i.finished() {
			return errDrained
		}
		select {
		case <-live.Done():
			return context.Cause(live)
		case c, ok := <-listings:
			if !ok {
				listings = nil // live has ended
				continue
			}
			if !c.Exists {
				return errDeregistered
			}
			i.listed(c)
		case i.next() <- i.head():
			i.unread = i.unread[1:]
		case r := <-i.haveRead:
			i.arrived(r)
		case e := <-i.w.ended:
			i.ended(e)
		case err := <-i.noticed:
			i.noticeWritten(err)
		case f := <-i.filed:
			i.settle(f)
		case <-timer.C:
			i.handBack(i.slots.overdue(time.Now()))
		case <-drain:
			drain = nil
			i.drain()
		case <-stopped:
			stopped = nil
			i.drain()
			for _, cancel := range i.runs {
				cancel(ErrStopped)
			}
			deadline = time.After(i.w.cfg.StopGrace + stopSlack)
		case <-deadline:
			return context.Cause(stop)
		case number := <-i.w.launcher.fenced:
			if number == i.number {
				return errFenced
			}
		}
	}
}
