package session

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"
	"time"
)

// A Tracker knows when each session was last heard from. It holds no clock
// and starts no goroutine: the caller passes the time in, so the same calls
// always give the same answers.
//
// Clients are heard from far more often than sessions expire, so hearing costs
// one map lookup: the queue of deadlines is set right only when the deadline it
// has for a session comes up, which is once per timeout.
//
// A Tracker is not safe for concurrent use; the leader's loop owns it.
type Tracker struct {
	sessions map[ID]*tracked

	// queue has the sessions that are not overdue, by the time to look at
	// them next; overdue has the rest.
	queue   queue
	overdue []*tracked
}

// tracked is one session in a tracker.
type tracked struct {
	id       ID
	timeout  time.Duration
	deadline time.Time // overdue from then on; never falls while heard from

	// look is the queue's time for the session.
	//
	// Invariant: never after deadline.
	look time.Time

	late  bool // it is in overdue, at index; else in queue, at index
	index int
}

// NewTracker gives a tracker without sessions.
func NewTracker() *Tracker { return &Tracker{sessions: make(map[ID]*tracked)} }

// Add starts a session's time. One that is there already starts anew, with
// this timeout.
func (t *Tracker) Add(id ID, timeout time.Duration, now time.Time) {
	t.Remove(id)
	s := &tracked{id: id, timeout: timeout, deadline: now.Add(timeout)}
	t.sessions[id] = s
	t.enqueue(s)
}

// Touch notes that a session was heard from at now, which may be some time ago:
// the latest time counts. It reports whether the session is tracked. One that
// was overdue may no longer be.
func (t *Tracker) Touch(id ID, now time.Time) bool {
	s := t.sessions[id]
	if s == nil {
		return false
	}
	if deadline := now.Add(s.timeout); deadline.After(s.deadline) {
		s.deadline = deadline
		if s.late {
			t.dequeue(s)
			t.enqueue(s)
		}
	}
	return true
}

// Remove forgets a session, if it is tracked.
func (t *Tracker) Remove(id ID) {
	if s := t.sessions[id]; s != nil {
		t.dequeue(s)
		delete(t.sessions, id)
	}
}

// Deadline is when a session is overdue, and whether it is tracked.
func (t *Tracker) Deadline(id ID) (time.Time, bool) {
	s := t.sessions[id]
	if s == nil {
		return time.Time{}, false
	}
	return s.deadline, true
}

// Len is the number of sessions.
func (t *Tracker) Len() int { return len(t.sessions) }

// Expired yields the sessions whose deadline is not after now, the longest
// overdue first. They stay tracked, and are yielded again, until they are
// removed or heard from. The caller may do either while it ranges.
func (t *Tracker) Expired(now time.Time) iter.Seq[ID] {
	for {
		s := t.first()
		if s == nil || s.deadline.After(now) {
			break
		}
		t.dequeue(s)
		s.late, s.index = true, len(t.overdue)
		t.overdue = append(t.overdue, s)
	}
	late := slices.Clone(t.overdue)
	slices.SortFunc(late, compareDeadlines)
	return func(yield func(ID) bool) {
		for _, s := range late {
			if !yield(s.id) {
				return
			}
		}
	}
}

// Next is the deadline of the session that is next to be overdue, among those
// that Expired has not yielded. It reports false if there is none.
func (t *Tracker) Next() (time.Time, bool) {
	s := t.first()
	if s == nil {
		return time.Time{}, false
	}
	return s.deadline, true
}

// RegrantAll gives every session its full timeout from now on: after a change
// of leader, or after this process was stopped and could not hear.
func (t *Tracker) RegrantAll(now time.Time) {
	t.queue = append(t.queue, t.overdue...)
	t.overdue = nil
	for i, s := range t.queue {
		s.deadline = now.Add(s.timeout)
		s.look = s.deadline
		s.late, s.index = false, i
	}
	heap.Init(&t.queue)
}

// first gives the session in the queue with the earliest deadline, or nil. It
// sets right those whose deadline has moved since they were queued.
func (t *Tracker) first() *tracked {
	for len(t.queue) > 0 {
		s := t.queue[0]
		if s.look.Equal(s.deadline) {
			return s
		}
		s.look = s.deadline
		heap.Fix(&t.queue, 0)
	}
	return nil
}

func (t *Tracker) enqueue(s *tracked) {
	s.late, s.look = false, s.deadline
	heap.Push(&t.queue, s)
}

// dequeue takes a session out of the queue or of overdue.
func (t *Tracker) dequeue(s *tracked) {
	if !s.late {
		heap.Remove(&t.queue, s.index)
		return
	}
	last := len(t.overdue) - 1
	t.overdue[s.index] = t.overdue[last]
	t.overdue[s.index].index = s.index
	t.overdue[last] = nil
	t.overdue = t.overdue[:last]
}

func compareDeadlines(a, b *tracked) int {
	if c := a.deadline.Compare(b.deadline); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}
