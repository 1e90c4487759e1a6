package worker

import (
	"context"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

const (
	// noticeAfter is how long a cancelled attempt may take to end before the
	// registration says that it still takes a slot. Most take less.
	noticeAfter = 100 * time.Millisecond

	// noticeAgain is the pause after a notice that was not written.
	noticeAgain = time.Second
)

// A condition is what the registration says about this worker that changes
// while it is there.
type condition struct {
	// stopping is how many attempts were taken away from this worker and have
	// not ended: the master counts them as its load.
	stopping int
	draining bool // it takes no more tasks
}

// A notice keeps the condition in the registration. It holds no clock; the
// instance's loop owns it.
type notice struct {
	told    condition // what the registration says
	telling condition // what is being written, while busy
	busy    bool      // a write is under way
	at      time.Time // when to write; zero: there is nothing to say
}

// update takes the present condition. It says whether to write it now, and else
// when, zero if there is nothing to write. The caller calls written when it is.
func (n *notice) update(c condition, now time.Time) (write bool, at time.Time) {
	switch {
	case n.busy || c == n.told:
		if !n.busy {
			n.at = time.Time{}
		}
		return false, time.Time{}
	case n.at.IsZero() && c.stopping > n.told.stopping && c.draining == n.told.draining:
		n.at = now.Add(noticeAfter)
	case n.at.IsZero():
		n.at = now // a slot is free: let it be used; or none will be
	}
	if now.Before(n.at) {
		return false, n.at
	}
	n.busy, n.telling, n.at = true, c, time.Time{}
	return true, time.Time{}
}

// written takes the outcome of the write.
func (n *notice) written(err error, now time.Time) {
	n.busy = false
	if err != nil {
		n.at = now.Add(noticeAgain)
		return
	}
	n.told = n.telling
}

// tellCondition writes the condition, if that is due, and returns when it will
// be. Its goroutine ends with the write, or the session.
func (i *instance) tellCondition(live context.Context, now time.Time) (at time.Time) {
	write, at := i.notice.update(condition{i.slots.stopping(), i.slots.draining}, now)
	if !write {
		return at
	}
	data := i.registration(i.notice.telling)
	go func() {
		_, err := i.s.Set(live, coordinator.WorkerPath(i.name), data, coordinator.AnyVersion)
		i.noticed <- err
	}()
	return at
}

// noticeWritten takes the outcome of tellCondition.
func (i *instance) noticeWritten(err error) {
	i.notice.written(err, time.Now())
	if err != nil {
		i.log.Debug().Err(err).Msg("registration not changed, will be tried again")
	}
}
