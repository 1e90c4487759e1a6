package master

import (
	"math"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// suspects are the waiting tasks with which SuspectLost workers were lost, or
// more: any of them may be what the workers died of. Each runs with nothing
// beside it, so that no neighbour comes to its end because of another's command.
//
//	line ─► apart from the line ─► a worker without load, which is given nothing
//	                               else until the suspect is gone
//
// Neither suspects nor the others wait for ever. One worker at a time is drained
// for a suspect, by giving it nothing. If that takes too long it is given up, and
// the next draining may take twice as long. A worker that has had a suspect, or
// was drained in vain, is there for the others for as long as it was not. And
// more than half of the workers never have suspects, unless there is only one.
type suspects struct {
	line     []seq         // oldest first; may hold tasks that are none of them any more
	draining string        // the worker being drained; "": none
	since    time.Time     // it is drained since then
	patience time.Duration // how long draining may take; 0: firstPatience
}

const (
	firstPatience = 10 * time.Second
	lastPatience  = 24 * time.Hour
)

// suspect reports whether the task is to run alone.
func (t *task) suspect() bool { return t.lost >= coordinator.SuspectLost }

// setApart takes a waiting task out of the line, to be placed by suspects.
func (b *board) setApart(s seq, t *task) {
	t.apart = true
	at, _ := slices.BinarySearch(b.suspects.line, s)
	b.suspects.line = slices.Insert(b.suspects.line, at, s)
}

// suspects places them, the oldest first.
func (h *hand) suspects() {
	b := h.b
	for h.left > 0 && len(b.suspects.line) > 0 {
		s := b.suspects.line[0]
		t := b.tasks.get(s)
		if t != nil && t.apart {
			if !b.fresh(t) {
				return // being examined, see suspectQuestions
			}
			i := h.shelter(s)
			if i < 0 {
				h.drain(s)
				return
			}
			h.assign(s, t, i)
		}
		b.suspects.line = b.suspects.line[1:]
	}
	if len(b.suspects.line) == 0 {
		b.suspects = suspects{patience: b.suspects.patience}
	}
}

// shelter chooses a worker without load for a suspect, -1 if there is none.
func (h *hand) shelter(s seq) int {
	if !h.mayHost() {
		return -1
	}
	empty := slices.Clone(h.rooms)
	for i, r := range empty {
		empty[i].free, empty[i].ahead = 0, 0
		if r.load == 0 && !h.resting(r.worker) {
			empty[i].free = 1
		}
	}
	return place(empty, h.b.shun(s, ""))
}

// mayHost reports whether one more worker may have a suspect.
func (h *hand) mayHost() bool {
	hosts := 0
	for _, r := range h.rooms {
		if r.host {
			hosts++
		}
	}
	return hosts < max(1, len(h.rooms)/2)
}

// resting reports whether a worker is there for other tasks than suspects, and
// there are some.
func (h *hand) resting(worker string) bool {
	w := h.b.workers[worker]
	if worker == h.b.suspects.draining || !h.b.now.Before(w.rest) {
		return false
	}
	if _, some := h.b.line.trim(h.b.idle); !some {
		return false
	}
	h.b.wakeAt(w.rest)
	return true
}

// drain has one worker drained for the suspect: the one with the least load. If
// it dies meanwhile, another is.
func (h *hand) drain(s seq) {
	b, sp := h.b, &h.b.suspects
	if !h.mayHost() {
		sp.draining = ""
		return
	}
	if sp.draining != "" {
		due := sp.since.Add(max(sp.patience, firstPatience))
		if w := b.workers[sp.draining]; w != nil && w.alive { // else that it is not empty yet says nothing
			if b.now.Before(due) {
				b.wakeAt(due)
				return
			}
			w.rest = b.now.Add(b.now.Sub(sp.since))
			sp.patience = min(2*max(sp.patience, firstPatience), lastPatience)
		}
		sp.draining = ""
	}
	least := slices.Clone(h.rooms)
	for i, r := range least {
		least[i].free, least[i].ahead = 0, 0
		if !r.host && r.load > 0 && !h.resting(r.worker) {
			least[i].free = math.MaxInt32 - r.load
		}
	}
	i := place(least, b.shun(s, ""))
	if i < 0 {
		return
	}
	sp.draining, sp.since = h.rooms[i].worker, b.now
	h.rooms[i].free, h.rooms[i].ahead = 0, 0
	b.wakeAt(sp.since.Add(max(sp.patience, firstPatience)))
}

// lodge: the suspect goes to a worker, where it will be alone.
func (b *board) lodge(w *worker, s seq) {
	w.guest, w.guestSince = s, b.now
	if sp := &b.suspects; sp.draining == w.name {
		w.guestSince, sp.draining, sp.patience = sp.since, "", 0
	}
}

// unlodge: a task has left the worker. If it was a suspect, the worker is there
// for the others now.
func (b *board) unlodge(w *worker, s seq) {
	if w.guestSince.IsZero() || w.guest != s {
		return
	}
	w.rest, w.guestSince = b.now.Add(b.now.Sub(w.guestSince)), time.Time{}
}

// hosting reports whether the worker has a suspect, or may have.
func (b *board) hosting(w *worker) bool {
	s, t := b.onlyTask(w)
	return t != nil && (t.suspect() || b.unknown(w, s, t))
}

// onlyTask returns the task of a worker that has one, else nil.
func (b *board) onlyTask(w *worker) (seq, *task) {
	if len(w.held) == 1 {
		for s := range w.held {
			return s, b.tasks.get(s)
		}
	}
	return 0, nil
}

// unknown reports that it must be looked up whether the worker's only task is a
// suspect: an earlier term assigned it, or a person.
func (b *board) unknown(w *worker, s seq, t *task) bool {
	return t.seen == 0 && t.state == held && w.held[s].stage != pending && w.alive && w.reg.Slots > 1
}

// suspectQuestions asks what must be known before the next suspect, or anything
// beside one, is assigned.
func (b *board) suspectQuestions() {
	for _, w := range b.crew() {
		if s, t := b.onlyTask(w); t != nil && !t.looking() && b.unknown(w, s, t) {
			b.urge(question{task: s, holder: w.name})
		}
	}
	for _, s := range b.suspects.line {
		if t := b.tasks.get(s); t != nil && t.apart {
			if !t.looking() && !b.fresh(t) {
				b.urge(question{task: s})
			}
			return
		}
	}
}
