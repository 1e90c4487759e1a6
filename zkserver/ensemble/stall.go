package ensemble

import "sync/atomic"

const (
	stallTicks = electionTicks     // then the leader looks for another one
	muteTicks  = 2 * electionTicks // then it falls silent, so that the others elect one
)

// A stall says for how long the append thread has not finished anything. A
// leader whose disk hangs goes on sending heartbeats, so that nobody replaces
// it, while nothing it is asked for is applied there. It must leave by itself.
// The raft loop owns all but done.
type stall struct {
	handed uint64        // messages given to the append thread
	done   atomic.Uint64 // of those, finished
	seen   uint64        // done, at the last tick
	age    int           // ticks since it rose, while there is something to do
}

// tick lets time go on by one tick.
func (s *stall) tick() {
	done := s.done.Load()
	if done != s.seen || done == s.handed {
		s.age = 0
	} else {
		s.age++
	}
	s.seen = done
}

// silent reports whether a leader must not be heard any more.
func (s *stall) silent() bool { return s.age >= muteTicks }

// leave hands the lead to another member if our disk has hung for too long.
// Raft gives up a transfer after an election timeout.
func (l *loop) leave() {
	if !l.leading || l.single || l.stall.age < stallTicks || l.stall.age%stallTicks != 0 {
		return
	}
	to, ok := l.successor()
	number, _ := l.peers.numberOf(to)
	l.log.Warn().Uint64("term", l.term).Int("member", number).Dur("took", tick*stallTicks).Msg("disk hangs, handing over the lead")
	if ok {
		l.raft.TransferLeader(to)
	}
}
