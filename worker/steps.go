package worker

import (
	"context"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// The steps of an instance's loop. Each is called by the loop, and none
// blocks.

// advance starts what can be started and reports what can be reported, and
// sets the timer to when there will be more.
func (i *instance) advance(live context.Context, timer *time.Timer) {
	now := time.Now()
	if len(i.w.unreported) < maxUnreported && !i.w.fitness.resting(now) {
		for _, o := range i.slots.start() {
			i.start(live, o)
		}
	}
	if i.slots.draining && i.slots.busy == 0 {
		i.drain() // the last ones need not wait
	}
	wake, some := i.slots.due()
	if again := i.w.fitness.until; some && now.Before(again) && again.Before(wake) {
		wake = again
	}
	if !i.filing {
		i.file(live, now)
		for _, r := range i.w.unreported {
			if !i.filing && (!some || r.after.Before(wake)) {
				wake, some = r.after, true
			}
		}
	}
	if at := i.tellCondition(live, now); !at.IsZero() && (!some || at.Before(wake)) {
		wake, some = at, true
	}
	if some {
		timer.Reset(time.Until(wake))
	} else {
		timer.Stop()
	}
}

// start begins an attempt. Its goroutine ends with it, once its end is taken
// by the loop of this instance or of the next.
func (i *instance) start(live context.Context, o *owed) {
	ctx, cancel := context.WithCancelCause(live)
	i.runs[o] = cancel
	w, a := i.w, o.attempt
	i.log.Debug().Str("task", string(a.task)).Int("attempt", a.number).Msg("attempt started")
	go func() {
		e := ended{owed: o, attempt: a}
		if !a.spent() {
			if e.unmarked = mark(ctx, i.s, a); e.unmarked == nil {
				e.record, e.fault = w.run(ctx, a)
			}
		}
		cancel(nil)
		select {
		case w.ended <- e:
		case <-w.over:
		}
	}()
}

// file gives what can be reported to a reporter. Its goroutine ends when the
// batch is written, or with the session.
func (i *instance) file(live context.Context, now time.Time) {
	batch, rest := nextBatch(i.w.unreported, now)
	if len(batch) == 0 {
		return
	}
	i.w.unreported, i.filing = rest, true
	go func() {
		settled, rest := reporter{i.s, i.log}.write(live, batch)
		i.filed <- filed{settled, rest}
	}()
}

// listed takes a list of the assignments.
func (i *instance) listed(c coordinator.Children) {
	ids, foreign := taskIDs(c.Names)
	if foreign > 0 {
		i.log.Debug().Int("count", foreign).Msg("names that are no task IDs in the assignments")
	}
	m := i.slots.list(ids, c.Stat.Pzxid)
	i.unread = append(i.unread, m.read...)
	for _, o := range m.stop {
		i.log.Info().Str("task", string(o.task)).Msg("assignment taken away")
		i.runs[o](ErrMoved)
	}
}

// next and head are the send of the next assignment to the readers; never, if
// there is none.
func (i *instance) next() chan<- *owed {
	if len(i.unread) == 0 {
		return nil
	}
	return i.toRead
}

func (i *instance) head() *owed {
	if len(i.unread) == 0 {
		return nil
	}
	return i.unread[0]
}

func (i *instance) arrived(r read) {
	if r.attempt == nil {
		i.readAgain(i.slots.absent(r.owed))
		return
	}
	i.slots.arrived(r.owed, r.attempt, time.Now())
}

// ended takes the end of an attempt, of this instance or of a former one.
func (i *instance) ended(e ended) {
	r := &report{instance: e.attempt.instance, task: e.attempt.task, fence: e.attempt.fence, owed: e.owed}
	switch { // without an attempt and a status the task is handed back
	case e.attempt.spent():
		i.log.Warn().Str("task", string(r.task)).Msg("task has the last attempt there may be, ends dead")
		r.status = coordinator.StatusDead
	case e.unmarked != nil:
		i.log.Debug().Str("task", string(r.task)).Err(e.unmarked).Msg("attempt not started, handed back")
	case e.fault != nil:
		i.notMade(e)
	default:
		i.made(e)
		r.attempt, r.record, r.status = e.attempt.number, e.record, statusOf(e.record.Outcome)
	}
	if r.instance != i.name {
		i.slots.release()
		i.w.unreported = append(i.w.unreported, r)
		return
	}
	delete(i.runs, e.owed)
	wanted, again := i.slots.ended(e.owed)
	if wanted {
		i.w.unreported = append(i.w.unreported, r)
	}
	i.readAgain(again)
}

// notMade notes that this worker could not make an attempt.
func (i *instance) notMade(e ended) {
	log := i.log.Debug()
	if i.w.fitness.fault(time.Now()) {
		log = i.log.Warn()
	}
	log.Str("task", string(e.attempt.task)).Err(e.fault).Msg("this worker cannot run tasks, hands them back")
}

func (i *instance) made(e ended) {
	command := e.attempt.fault == nil && e.attempt.spec.Handler == ""
	if command && i.w.fitness.made(time.Now()) {
		i.log.Info().Msg("this worker runs tasks again")
	}
	i.w.store.wrote(min(e.record.StdoutBytes, i.w.cfg.OutputLimit) + min(e.record.StderrBytes, i.w.cfg.OutputLimit))
	i.log.Debug().Str("task", string(e.attempt.task)).Int("attempt", e.attempt.number).
		Str("outcome", string(e.record.Outcome)).Dur("took", e.record.Ended.Sub(e.record.Started)).Msg("attempt ended")
}

func (i *instance) readAgain(o *owed) {
	if o != nil {
		i.unread = append(i.unread, o)
	}
}

// settle takes what became of a batch of reports.
func (i *instance) settle(f filed) {
	i.filing = false
	i.w.unreported = append(f.rest, i.w.unreported...)
	for _, r := range f.settled {
		if r.instance == i.name {
			i.readAgain(i.slots.settled(r.owed))
		}
	}
}

func (i *instance) drain() { i.handBack(i.slots.drain()) }

// handBack gives up assignments whose attempts have not started.
func (i *instance) handBack(list []*owed) {
	for _, o := range list {
		r := &report{instance: i.name, task: o.task, owed: o}
		if o.attempt != nil {
			r.fence = o.attempt.fence
		}
		i.w.unreported = append(i.w.unreported, r)
	}
}

// finished reports whether all work is done and on record.
func (i *instance) finished() bool {
	return i.slots.draining && i.slots.busy == 0 && len(i.slots.owed) == 0 && len(i.w.unreported) == 0 && !i.filing
}

// depart takes the instance out of the tree while its session lives. What is
// not on record, or runs although it should not, is left to the master.
func (i *instance) depart() {
	ctx, cancel := context.WithTimeout(i.s.Context(), departTime)
	defer cancel()
	if err := depart(ctx, i.s, i.name, i.unfinished()); err != nil {
		i.log.Warn().Err(err).Msg("registration not taken back, ends with the session")
		return
	}
	i.log.Info().Msg("worker left")
}

// unfinished returns the assignments whose attempts have begun.
func (i *instance) unfinished() map[coordinator.TaskID]bool {
	tasks := make(map[coordinator.TaskID]bool)
	for id := range i.slots.owed {
		tasks[id] = true
	}
	for _, r := range i.w.unreported {
		if r.attempt == 0 && r.status == "" && r.instance == i.name {
			delete(tasks, r.task)
		}
	}
	return tasks
}

// leave ends the instance: nothing of it runs any more, and what it owes is
// left for the next to report.
func (i *instance) leave() {
	i.w.launcher.end(i.number)
	if i.filing {
		i.settle(<-i.filed)
	}
	i.drain()
	i.w.busy = i.slots.busy
	for _, r := range i.w.unreported {
		r.after, r.pause = time.Time{}, 0
	}
}
