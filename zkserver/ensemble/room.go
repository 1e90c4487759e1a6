package ensemble

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"
)

// A member whose disk is full can write as long as its log has a reserve. Members
// say so to each other; integers are big-endian:
//
//	u8 frameRoom | u64 term | u8 room     a follower to the leader: its own
//	                                      the leader to all: what there is to write with
//
// It is said when it changes and again and again while it is not roomy, and
// counts for a while. The leader refuses with ErrDiskFull when it, or so many others
// that there is no majority, have no room, and so do the followers, who would wait
// in vain for an answer. It gives the lead to one who has room, if there is one.
const (
	roomFrame = 1 + 8 + 1

	roomTicks  = 10 // until it is said again
	roomCounts = 5 * roomTicks

	// yieldTicks is for how long a leader is full that looks for another one: by
	// then it has heard who else is.
	yieldTicks = 2 * roomTicks

	// yieldEvery is the time between two tries to give up the lead. One that fails
	// lasts for an election timeout, in which nothing is proposed.
	yieldEvery = 5 * electionTicks

	// shyTicks is how long there is no leader before one stands for election
	// whose disk is full.
	shyTicks = 4 * electionTicks
)

// A room is how much room a log has to grow.
type room uint8

const (
	roomy room = iota
	full       // what is left is for commands that are Reserved
	empty      // and nothing is left for those
)

// rooms are what a member knows of the room there is. The raft loop owns all but
// service.
type rooms struct {
	own func() room // nil: roomy

	service atomic.Uint32 // as the leader says, and as the leader found

	term   uint64 // of what follows
	told   uint64 // clock of when the leader said it was not roomy
	others map[int]heardRoom
	said   room
	age    int // ticks for which we have been leading, and full
	alone  int // ticks since there was a leader
}

type heardRoom struct {
	room room
	at   uint64 // clock
}

func (r *rooms) mine() room {
	if r.own == nil {
		return roomy
	}
	return r.own()
}

// room gives what there is to write with: here, and in the ensemble.
func (n *Node) room() room {
	own := n.ownRoom()
	if n.formed() {
		own = max(own, room(n.loop.rooms.service.Load()))
	}
	return own
}

func (n *Node) ownRoom() room {
	switch {
	case !n.wal.Full():
		return roomy
	case n.wal.Reserve() >= n.wal.SegmentBytes()/4:
		return full
	}
	return empty
}

// weighRoom looks every tick at the room there is.
func (l *loop) weighRoom() {
	r := &l.rooms
	if r.alone++; l.leader != 0 {
		r.alone = 0
	}
	if l.peers.transport == nil {
		return
	}
	own := r.mine()
	fresh := r.term != l.term
	if fresh {
		r.term, r.others, r.age = l.term, nil, 0
		r.service.Store(uint32(roomy))
	}
	say := own
	switch {
	case l.leading:
		say = max(own, l.othersRoom())
		r.service.Store(uint32(say))
	case l.clock-r.told > roomCounts:
		r.service.Store(uint32(roomy))
	}
	if say != r.said || say != roomy && (fresh || l.clock%roomTicks == 0) {
		r.said = say
		l.sayRoom(say)
	}
	l.yield(own)
}

// othersRoom is what a majority has, this member among them. Who is not heard can
// write nothing, so that the majority needs those whose disks are full. That nobody
// is heard is no matter of disks: those who lead nobody cease to lead.
func (l *loop) othersRoom() room {
	var all []room
	worst := roomy // that anybody is heard to have
	l.raft.WithProgress(func(id uint64, kind raft.ProgressType, _ tracker.Progress) {
		if kind != raft.ProgressTypePeer || id == l.peers.self {
			return
		}
		if !l.heardLately(id) {
			all = append(all, empty)
			return
		}
		all = append(all, l.roomOf(id))
		worst = max(worst, all[len(all)-1])
	})
	slices.Sort(all)
	if n := (len(all) + 1) / 2; n > 0 {
		return min(all[n-1], worst)
	}
	return roomy
}

// roomOf gives what a member has said of its own, as raft knows it.
func (l *loop) roomOf(id uint64) room {
	number, _ := l.peers.numberOf(id)
	if h, ok := l.rooms.others[number]; ok && l.clock-h.at <= roomCounts {
		return h.room
	}
	return roomy
}

func (l *loop) sayRoom(r room) {
	b := binary.BigEndian.AppendUint64([]byte{frameRoom}, l.term)
	b = append(b, byte(r))
	if to, ok := l.peers.numberOf(l.leader); ok && !l.leading {
		l.peers.sendFrame(to, b)
	}
	if !l.leading {
		return
	}
	for _, s := range l.roster.get().servers {
		if s.raft != 0 {
			l.peers.sendFrame(s.number, b)
		}
	}
}

// receiveRoom takes what another member of this term says.
func (l *loop) receiveRoom(from int, b []byte) {
	if len(b) != roomFrame || binary.BigEndian.Uint64(b[1:]) != l.term {
		return
	}
	r, said := &l.rooms, min(room(b[9]), empty)
	leader, ok := l.peers.numberOf(l.leader)
	switch {
	case r.term != l.term: // the next tick begins it, and it is said again
	case l.leading:
		if r.others == nil {
			r.others = make(map[int]heardRoom)
		}
		r.others[from] = heardRoom{said, l.clock}
	case ok && leader == from:
		r.told = l.clock
		r.service.Store(uint32(said))
	}
}

// yield gives the lead to one who has room, while we have not.
func (l *loop) yield(own room) {
	r := &l.rooms
	if !l.leading || l.single || own == roomy {
		r.age = 0
		return
	}
	if r.age++; r.age < yieldTicks || (r.age-yieldTicks)%yieldEvery != 0 || l.handOver.age > 0 {
		return
	}
	to, ok := l.successor()
	if !ok || l.roomOf(to) != roomy {
		return
	}
	number, _ := l.peers.numberOf(to)
	l.log.Warn().Uint64("term", l.term).Int("member", number).Msg("disk full, handing over the lead")
	l.raft.TransferLeader(to)
}

// shy reports whether we leave it to others to stand for election: who has no room
// for a while, who cannot write for as long as that lasts. Whom a leader has chosen
// is not.
func (l *loop) shy() bool {
	return l.stall.age >= stallTicks || l.rooms.mine() != roomy && l.rooms.alone < shyTicks
}
