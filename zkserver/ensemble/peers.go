package ensemble

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"
)

// peers knows the members by raft's numbers and by ours, and sends to them.
type peers struct {
	self       uint64 // raft's number; 0 before the member belongs to an ensemble
	number     int    // our own
	configured []Member
	transport  Transport // nil if there is nobody else

	mu      sync.RWMutex // protects the fields below
	members []peer
	learned []peer      // not in the roster yet, one for each number
	roster  *membership // nil before the member belongs to an ensemble
	guests  []*guest    // in the order in which they came
	reached []Member    // as the transport was told
}

type peer struct {
	raft   uint64
	number int
}

// A guest is one whom only its own word makes a member: who has said hello, or
// became one by entries that this member has yet to get. It is reached at the
// address that it names as long as a connection of its own lives.
type guest struct {
	Member
	joined uint64
}

// maxGuests bounds the connections of guests.
const maxGuests = 128

// memberID is raft's number of a member. incarnation is 0 for who was there when
// the ensemble was founded, else the number of its data directory: who loses
// that, and with it votes and entries, comes back as another voter.
func memberID(cluster uint64, number int, incarnation uint64) uint64 {
	b := binary.BigEndian.AppendUint64([]byte("mw member"), cluster)
	b = binary.BigEndian.AppendUint64(b, uint64(number))
	b = binary.BigEndian.AppendUint64(b, incarnation)
	sum := sha256.Sum256(b)
	// The highest numbers are raft's local threads, and 0 is nobody.
	return binary.BigEndian.Uint64(sum[:])>>1 | 1
}

// set takes a new membership.
func (p *peers) set(m *membership) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roster = m
	members := p.members[:0:0]
	for _, s := range m.servers {
		if s.raft != 0 {
			members = append(members, peer{s.raft, s.number})
		}
	}
	p.members = members
	p.reachLocked(true)
}

// welcome has a guest reached at its address, if it names one, until leave is
// called. Of several with one number the first is reached. ok is false if there
// are too many.
func (p *peers) welcome(m Member, joined uint64) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.guests) >= maxGuests {
		return nil, false
	}
	g := &guest{m, joined}
	p.guests = append(p.guests, g)
	p.reachLocked(false)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.guests = slices.DeleteFunc(p.guests, func(other *guest) bool { return other == g })
		p.reachLocked(false)
	}, true
}

// guestNumbers are the numbers of guests.
func (p *peers) guestNumbers() []int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var numbers []int
	for _, g := range p.guests {
		numbers = append(numbers, g.Number)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// reachLocked tells the transport whom to reach, and where: members where they
// were configured, unless a change has moved them, and guests where they say, unless
// that is known better. Without a change it is told only if it is always to be.
func (p *peers) reachLocked(always bool) {
	if p.transport == nil {
		return
	}
	list := make(map[int]Member)
	if p.roster == nil || len(p.roster.servers) == 0 {
		for _, m := range p.configured {
			list[m.Number] = m
		}
	} else {
		for _, s := range p.roster.servers {
			m := s.member()
			if i := slices.IndexFunc(p.configured, func(c Member) bool { return c.Number == s.number }); i >= 0 && !s.moved {
				m.Address = p.configured[i].Address
			}
			list[s.number] = m
		}
	}
	guests := make(map[int]bool)
	for _, g := range p.guests {
		if _, known := list[g.Number]; g.Address == "" || guests[g.Number] || known && !p.newerLocked(g) {
			continue
		}
		guests[g.Number] = true
		list[g.Number] = g.Member
	}
	delete(list, p.number)
	all := make([]Member, 0, len(list))
	for _, m := range list {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Compare(a.Number, b.Number) })
	if always || !slices.Equal(all, p.reached) {
		p.reached = all
		p.transport.SetMembers(all)
	}
}

// newerLocked reports whether a guest knows better than the roster where its number
// is: it was made a member by an entry that is not applied here yet.
func (p *peers) newerLocked(g *guest) bool {
	return g.joined > 0 && (p.roster == nil || g.joined > p.roster.index)
}

// learn notes raft's number of a member that is not in the roster yet.
func (p *peers) learn(id uint64, number int) {
	if _, ok := p.numberOf(id); ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.IndexFunc(p.learned, func(m peer) bool { return m.number == number }); i >= 0 {
		p.learned[i].raft = id
		return
	}
	p.learned = append(p.learned, peer{id, number})
}

// numberOf gives the number of a member, or false if raft's is not known.
func (p *peers) numberOf(id uint64) (int, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, list := range [][]peer{p.members, p.learned} {
		if i := slices.IndexFunc(list, func(m peer) bool { return m.raft == id }); i >= 0 {
			return list[i].number, true
		}
	}
	return 0, false
}

// send sends a message of raft's to another member.
func (p *peers) send(m *pb.Message) {
	if to, ok := p.numberOf(m.GetTo()); ok && to != p.number && p.transport != nil {
		p.transport.SendRaft(to, m)
	}
}

// sendFrame sends a frame to a member.
func (p *peers) sendFrame(to int, frame []byte) {
	if to != p.number && p.transport != nil {
		p.transport.SendFrame(to, frame)
	}
}

// fromPeer reports whether a message may come from another member: the others
// are raft's own affair between its threads, or made by us in another way.
func fromPeer(t pb.MessageType) bool {
	switch t {
	case pb.MsgApp, pb.MsgAppResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgPreVote, pb.MsgPreVoteResp,
		pb.MsgHeartbeat, pb.MsgHeartbeatResp, pb.MsgTimeoutNow, pb.MsgTransferLeader,
		pb.MsgReadIndex, pb.MsgReadIndexResp:
		return true
	}
	return false
}

// saysNothing reports whether a message is the answer of a member to one of an
// earlier term, which raft gives so that a leader of that term steps down: an
// MsgAppResp without an index. If the same member leads again by then, its raft
// takes it for "I have nothing", goes back to the first entry there ever was,
// and, as the log begins later, waits for a snapshot that need not be there. A
// true answer has an index, since every log begins behind bootstrapIndex.
func saysNothing(m *pb.Message, term uint64) bool {
	return m.GetType() == pb.MsgAppResp && m.GetIndex() == 0 && !m.GetReject() && m.GetTerm() <= term
}
