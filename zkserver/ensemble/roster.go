package ensemble

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	pb "go.etcd.io/raft/v3/raftpb"
)

// A roster holds the membership that this member has applied. The apply thread
// replaces it; anybody may look.
type roster struct {
	self uint64 // raft's number of this member; 0 before it belongs to an ensemble
	now  atomic.Pointer[membership]

	// counted says that this member has been one that counts, in what the log and
	// the snapshots here tell. It never ends.
	counted atomic.Bool

	// rejected says that this member is none any more, and has never been one that
	// counts: it was let in, for a change that was not made. Owned by the raft loop.
	rejected atomic.Bool
}

func newRoster() *roster {
	r := &roster{}
	r.set(&membership{conf: &pb.ConfState{}})
	return r
}

func (r *roster) get() *membership { return r.now.Load() }

func (r *roster) set(m *membership) {
	r.now.Store(m)
	if r.self != 0 && m.hasCounted(r.self) {
		r.counted.Store(true)
	}
}

// A membership says who the members are. It is part of the replicated state, and
// changes only by entries of the log: see change. It is never written to once it
// is in a roster.
//
// Two servers may have one number, while one that lost its data directory is
// replaced by what it has become.
type membership struct {
	index   uint64   // of the last entry that changed it
	servers []server // by number
	conf    *pb.ConfState
	wish    *wish // nil if no change is under way
	version uint8 // that members write; 0 is firstVersion
}

// A server is one that is a member, or is to be one.
type server struct {
	number    int
	directory uint64 // whose number it is, 0 if it is nobody's yet
	raft      uint64 // raft's number, 0 if it has none yet
	standing  standing
	moved     bool // its address was set by a change: what was configured before is old
	address   string
	spec      string
}

// A standing is what a server is among the members.
type standing uint8

const (
	voter    standing = iota
	observer          // gets the log and has no vote
	joining           // gets the log, until it may become what is wished
	awaited           // is on the list, and becomes a voter when it says hello
	leaving           // was a member: has no vote once raft's joint state is left, and gets the log as long as it lives

	awaitedObserver // is on the list, and becomes an observer when it says hello

	lastStanding = awaitedObserver
)

// awaited is the standing of one who is to have this one, and is not there.
func (s standing) awaited() standing {
	if s == observer {
		return awaitedObserver
	}
	return awaited
}

// here is the standing of one who has come, if it was awaited. ok is false if not.
func (s standing) here() (is standing, ok bool) {
	switch s {
	case awaited:
		return voter, true
	case awaitedObserver:
		return observer, true
	}
	return s, false
}

func (s server) member() Member {
	is, _ := s.standing.here()
	return Member{Number: s.number, Address: s.address, Observer: is == observer, Spec: s.spec}
}

// counts reports whether a server is a member that has been there.
func (s server) counts() bool { return s.standing == voter || s.standing == observer }

// listed reports whether a server is a member for the world outside.
func (s server) listed() bool {
	_, expected := s.standing.here()
	return expected || s.counts()
}

// hasCounted reports whether one, by raft's number, is a member that counts, or was
// and is none any more.
func (m *membership) hasCounted(raft uint64) bool {
	return slices.Contains(m.conf.GetVoters(), raft) || slices.Contains(m.conf.GetVotersOutgoing(), raft) ||
		slices.ContainsFunc(m.servers, func(s server) bool { return s.raft == raft && (s.counts() || s.standing == leaving) })
}

// members gives those that are listed.
func (m *membership) members() []Member {
	var list []Member
	for _, s := range m.servers {
		if s.listed() {
			list = append(list, s.member())
		}
	}
	return list
}

// owner gives the server that has a number.
func (m *membership) owner(number int) (server, bool) {
	i := slices.IndexFunc(m.servers, func(s server) bool { return s.number == number && s.counts() })
	if i < 0 {
		return server{}, false
	}
	return m.servers[i], true
}

// awaits gives the server with a number that is on the list, and has not come.
func (m *membership) awaits(number int) (server, bool) {
	i := slices.IndexFunc(m.servers, func(s server) bool { return s.number == number && s.listed() && !s.counts() })
	if i < 0 {
		return server{}, false
	}
	return m.servers[i], true
}

// joins gives the server with a number that gets the log until it may become what is
// wished.
func (m *membership) joins(number int) (server, bool) {
	i := slices.IndexFunc(m.servers, func(s server) bool { return s.number == number && s.standing == joining })
	if i < 0 {
		return server{}, false
	}
	return m.servers[i], true
}

// find gives the server with a number and a directory.
func (m *membership) find(number int, directory uint64) (server, bool) {
	i := slices.IndexFunc(m.servers, func(s server) bool { return s.number == number && s.directory == directory })
	if i < 0 || directory == 0 {
		return server{}, false
	}
	return m.servers[i], true
}

// knows reports whether a number may be that of a directory.
func (m *membership) knows(number int, directory uint64) bool {
	if _, ok := m.find(number, directory); ok {
		return true
	}
	s, ok := m.owner(number)
	return ok && s.directory == 0
}

func (m *membership) joint() bool { return len(m.conf.GetVotersOutgoing()) > 0 }

// onlyVoter reports whether nobody else has a vote.
func (m *membership) onlyVoter(raft uint64) bool {
	return slices.Equal(m.conf.GetVoters(), []uint64{raft}) && !m.joint()
}

// A membership in the meta data of a snapshot, which has the conf behind it:
//
//	u64 index | servers | u8 wish = 0
//	u64 index | servers | u8 wish = 1 | u64 id | u8 asked | u8 state | servers
func (m *membership) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, m.index)
	b = appendServers(b, m.servers)
	if m.wish == nil {
		return append(b, 0)
	}
	b = binary.BigEndian.AppendUint64(append(b, 1), m.wish.id)
	b = append(b, bit(m.wish.asked), byte(m.wish.state))
	return appendServers(b, m.wish.target)
}

func cutMembership(b []byte) (m *membership, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	m = &membership{index: binary.BigEndian.Uint64(b)}
	if m.servers, b, ok = cutServers(b[8:]); !ok || len(b) < 1 {
		return nil, nil, false
	}
	if b[0] == 0 {
		return m, b[1:], true
	}
	if len(b) < 1+8+2 || b[0] != 1 || wishState(b[10]) > wishFailed {
		return nil, nil, false
	}
	m.wish = &wish{id: binary.BigEndian.Uint64(b[1:]), asked: b[9] != 0, state: wishState(b[10])}
	m.wish.target, b, ok = cutServers(b[11:])
	return m, b, ok
}

// appendServers and cutServers have a list of servers in meta data, entries and
// frames: uvarint n, then n times
//
//	uvarint number | u64 directory | u64 raft | u8 standing | u8 moved
//	uvarint length | address | uvarint length | spec
func appendServers(b []byte, servers []server) []byte {
	b = binary.AppendUvarint(b, uint64(len(servers)))
	for _, s := range servers {
		b = binary.AppendUvarint(b, uint64(s.number))
		b = binary.BigEndian.AppendUint64(b, s.directory)
		b = binary.BigEndian.AppendUint64(b, s.raft)
		b = append(b, byte(s.standing), bit(s.moved))
		for _, text := range []string{s.address, s.spec} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	return b
}

// maxServers is how many a membership may name: all numbers, and as many that
// are to replace them.
const maxServers = 2 * (maxNumber + 1)

func cutServers(b []byte) (servers []server, rest []byte, ok bool) {
	n, b, ok := uvarint(b)
	if !ok || n > maxServers {
		return nil, nil, false
	}
	for range n {
		number, after, ok := uvarint(b)
		if !ok || number > maxNumber || len(after) < 18 || standing(after[16]) > lastStanding {
			return nil, nil, false
		}
		s := server{
			number: int(number), directory: binary.BigEndian.Uint64(after), raft: binary.BigEndian.Uint64(after[8:]),
			standing: standing(after[16]), moved: after[17] != 0,
		}
		b = after[18:]
		for _, text := range []*string{&s.address, &s.spec} {
			if *text, b, ok = cutText(b); !ok {
				return nil, nil, false
			}
		}
		servers = append(servers, s)
	}
	return servers, b, true
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	n, b, ok := uvarint(b)
	if !ok || n > uint64(len(b)) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// sortServers puts servers in order; of two with one number the one that counts
// comes first.
func sortServers(servers []server) {
	slices.SortFunc(servers, func(a, b server) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return int(a.standing) - int(b.standing)
	})
}
