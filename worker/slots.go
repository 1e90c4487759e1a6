package worker

import (
	"cmp"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// slotPatience is how long an assignment waits here for a slot. Then it is
// handed back: another worker may have one. The master gives a worker more
// than its free slots, as much as it is likely to finish within 100 ms.
const slotPatience = 250 * time.Millisecond

// slots decides what one instance does about its assignments. It holds no
// clock, does no I/O and starts no goroutine: it is told what happened, and
// says what to do.
//
//	listed ─► reading ─► waiting ─► running ─► leaving ─► forgotten
//	             │          │          └► stopping ─►─────────┤
//	             └──────────┴──────────────────► leaving ─►───┘
//
// An assignment that is still listed when it is forgotten is read again: it
// was assigned anew, or else reading finds it gone. So the same assignment
// never starts twice, however old a list is.
//
// slots is not safe for concurrent use; the instance's loop owns it.
type slots struct {
	size     int
	busy     int // slots taken, also by attempts of former instances
	draining bool
	alone    *owed // a suspect that runs: nothing is started beside it
	halting  int   // attempts in the phase stopping

	owed   map[coordinator.TaskID]*owed
	queue  []*owed // waiting, in the order in which they were assigned
	listed map[coordinator.TaskID]bool
}

// owed is an assignment that the instance knows of.
type owed struct {
	task    coordinator.TaskID
	phase   phase
	attempt *attempt  // from waiting on
	since   time.Time // when it began to wait
	anew    bool      // listed since the reading of it began, which may be too old therefore
}

type phase uint8

const (
	reading  phase = iota // its data is being fetched
	waiting               // for a slot
	running               //
	stopping              // it left the list while running: stop it, report nothing
	leaving               // its report is under way, or that it is handed back
)

// moves are what is to be done after a listing.
type moves struct {
	read []*owed // fetch its data; then call arrived or absent
	stop []*owed // stop its attempt
}

func newSlots(size, busy int) *slots {
	return &slots{size: size, busy: busy, owed: make(map[coordinator.TaskID]*owed)}
}

// list takes the newest list of assignments, which pzxid was the last change of. It
// may be older than what was read: of an assignment made later it says nothing.
func (s *slots) list(tasks []coordinator.TaskID, pzxid int64) moves {
	s.listed = make(map[coordinator.TaskID]bool, len(tasks))
	var m moves
	for _, id := range tasks {
		s.listed[id] = true
		if o := s.owed[id]; o == nil {
			m.read = append(m.read, s.owe(id))
		} else {
			o.anew = true
		}
	}
	for id, o := range s.owed {
		if s.listed[id] || o.attempt != nil && o.attempt.fence > pzxid {
			continue
		}
		switch o.phase {
		case reading, waiting:
			s.forget(o)
		case running:
			o.phase = stopping
			s.halting++
			m.stop = append(m.stop, o)
		}
	}
	slices.SortFunc(m.read, func(a, b *owed) int { return coordinator.CompareTaskIDs(a.task, b.task) })
	return m
}

func (s *slots) owe(id coordinator.TaskID) *owed {
	o := &owed{task: id, phase: reading}
	s.owed[id] = o
	return o
}

func (s *slots) forget(o *owed) {
	if s.owed[o.task] == o {
		delete(s.owed, o.task)
	}
	s.queue = slices.DeleteFunc(s.queue, func(q *owed) bool { return q == o })
}

// arrived takes what was read of an assignment. It is ignored if the
// assignment is not wanted any more.
func (s *slots) arrived(o *owed, a *attempt, now time.Time) {
	if s.owed[o.task] != o || o.phase != reading {
		return
	}
	o.phase, o.attempt, o.since = waiting, a, now
	i, _ := slices.BinarySearchFunc(s.queue, o, compareOwed)
	s.queue = slices.Insert(s.queue, i, o)
}

// compareOwed orders assignments by when they were made; those of one multi
// by the age of their tasks.
func compareOwed(a, b *owed) int {
	return cmp.Or(cmp.Compare(a.attempt.fence, b.attempt.fence), coordinator.CompareTaskIDs(a.task, b.task))
}

// absent: reading found that there is no such assignment. If it was listed
// meanwhile it must be read again, for no other list may come: it was made after
// the reading and before the list. Else a later list says if there is again.
func (s *slots) absent(o *owed) (again *owed) {
	if s.owed[o.task] != o || o.phase != reading {
		return nil
	}
	s.forget(o)
	if !o.anew {
		return nil
	}
	return s.owe(o.task)
}

// start returns what is to be started now. A suspect starts when nothing else
// runs, and nothing is started beside it: should it take the worker or its
// guard with it, no other task shall be charged with that.
func (s *slots) start() (ready []*owed) {
	for !s.draining && s.busy < s.size && s.alone == nil && len(s.queue) > 0 {
		o := s.queue[0]
		if o.attempt.assigned.Suspect() {
			if s.busy > 0 {
				break
			}
			s.alone = o
		}
		s.queue[0] = nil
		s.queue = s.queue[1:]
		o.phase = running
		s.busy++
		ready = append(ready, o)
	}
	return ready
}

// overdue returns what has waited too long and is to be handed back; call
// settled for each when it has been.
func (s *slots) overdue(now time.Time) []*owed {
	return s.leave(func(o *owed) bool { return now.Sub(o.since) >= slotPatience })
}

// leave takes what is meant from the queue, to be handed back.
func (s *slots) leave(meant func(*owed) bool) (back []*owed) {
	s.queue = slices.DeleteFunc(s.queue, func(o *owed) bool {
		if !meant(o) {
			return false
		}
		o.phase = leaving
		back = append(back, o)
		return true
	})
	return back
}

// due returns when something will be overdue.
func (s *slots) due() (at time.Time, ok bool) {
	for _, o := range s.queue {
		if !ok || o.since.Before(at) {
			at, ok = o.since, true
		}
	}
	return at.Add(slotPatience), ok
}

// ended: an attempt has ended and its slot is free. It says whether to report
// it; then call settled when that is done. If not, the assignment is settled
// already, and the answer is settled's.
func (s *slots) ended(o *owed) (report bool, again *owed) {
	s.release()
	if s.alone == o {
		s.alone = nil
	}
	if o.phase == stopping {
		s.halting--
		return false, s.settled(o)
	}
	o.phase = leaving
	return true, nil
}

// stopping returns how many attempts run whose assignments were taken away.
func (s *slots) stopping() int { return s.halting }

// release frees a slot that an attempt of a former instance held.
func (s *slots) release() { s.busy-- }

// settled: the assignment is gone, or not ours any more. If it is still
// listed it must be read again.
func (s *slots) settled(o *owed) (again *owed) {
	s.forget(o)
	if !s.listed[o.task] {
		return nil
	}
	return s.owe(o.task)
}

// drain starts nothing more and returns what is to be handed back at once.
// What is assigned later is handed back when it has waited: the master shall
// not be kept busy with a worker that takes nothing.
func (s *slots) drain() []*owed {
	s.draining = true
	back := s.leave(func(*owed) bool { return true })
	for _, o := range s.owed {
		if o.phase == reading {
			o.phase = leaving
			back = append(back, o)
		}
	}
	return back
}
