package ensemble

import "time"

// A simEvent happens at a time of the sim.
type simEvent struct {
	do     func()     // nil: packet arrives
	packet *simPacket // nil: do is called
	member *simMember // whose it is, and in which life; nil for the world's
	life   int
}

// simEvents are those to come, first the next one: of two at the same time the one
// that was planned first. The heap has no pointers, which are slow to move.
type simEvents struct {
	heap  []simTime
	slots []simEvent
	free  []int
	seq   int
}

// A simTime is when an event happens, and its slot.
type simTime struct {
	at        time.Duration
	seq, slot int
}

func (a simTime) before(b simTime) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

func (q *simEvents) push(at time.Duration, e simEvent) {
	slot := len(q.slots)
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
		q.slots[slot] = e
	} else {
		q.slots = append(q.slots, e)
	}
	q.seq++
	q.heap = append(q.heap, simTime{at, q.seq, slot})
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.heap[i].before(q.heap[parent]) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

func (q *simEvents) pop() (at time.Duration, e simEvent) {
	first, last := q.heap[0], len(q.heap)-1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.heap[child].before(q.heap[least]) {
				least = child
			}
		}
		if least == i {
			break
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
	e, q.slots[first.slot] = q.slots[first.slot], simEvent{}
	q.free = append(q.free, first.slot)
	return first.at, e
}

// now is the time of the sim.
func (s *sim) now() time.Duration { return s.clock }

// advance lets time go on. The clock of the bubble, by which members stamp what
// they write, follows once a tick: a step of it takes longer than most events.
func (s *sim) advance(to time.Duration) {
	s.clock = to
	if behind := to - s.slept; behind >= tick {
		time.Sleep(behind)
		s.slept = to
	}
}

func (s *sim) plan(d time.Duration, e simEvent) {
	s.events.push(s.clock+d, e)
}

// after plans an event of the world.
func (s *sim) after(d time.Duration, do func()) { s.plan(d, simEvent{do: do}) }

// in plans an event of this life of the member, which a pause puts off.
func (m *simMember) in(d time.Duration, do func()) {
	m.sim.plan(d, simEvent{do: do, member: m, life: m.life})
}

// run lets events happen until a time, or until done says so.
func (s *sim) run(until time.Duration, done func() bool) bool {
	for len(s.events.heap) > 0 && s.err == nil {
		if done != nil && done() {
			return true
		}
		if s.events.heap[0].at > until {
			s.advance(until)
			return done == nil
		}
		at, e := s.events.pop()
		s.advance(at)
		s.figures.events++
		s.happen(e)
	}
	return false
}

func (s *sim) happen(e simEvent) {
	m := e.member
	switch {
	case e.packet != nil:
		s.arrive(e.packet)
	case m == nil:
		e.do()
	case m.life != e.life || !m.up:
	case m.paused > s.clock:
		s.plan(m.paused-s.clock, e)
	default:
		e.do()
		if m.up && m.life == e.life {
			m.poll()
		}
	}
}

// upTo gives a random time.
func (s *sim) upTo(d time.Duration) time.Duration { return time.Duration(s.rng.Int64N(int64(d) + 1)) }

func (s *sim) chance(thousandths int) bool { return s.rng.IntN(1000) < thousandths }
