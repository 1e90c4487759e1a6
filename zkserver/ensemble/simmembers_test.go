package ensemble

import (
	"fmt"
	"slices"
	"time"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// configuredAt is what a member is started with: the first members know each
// other, a spare knows them and itself.
func (s *sim) configuredAt(m *simMember) (members []Member, join bool) {
	for _, other := range s.members {
		if first := other.number <= s.profile.members; first || other == m {
			members = append(members, Member{
				Number: other.number, Address: fmt.Sprintf("m%d:1", other.number),
				Observer: first && s.profile.observer && other.number == s.profile.members,
			})
		}
	}
	return members, m.number > s.profile.members || s.profile.alone && m.number > 1
}

// forgetful is the identity of a new directory, or, if that is planted, the one
// from before the disk was lost.
func (m *simMember) forgetful(n *Node) identity {
	if m.sim.profile.plant == wipedVotes && m.directory != 0 {
		n.id.directory, n.directory = m.directory, m.directory
	}
	return n.id
}

// wish is what a client may ask for: numbers and whether they are observers.
func (s *sim) wish(b Batch, data []byte) {
	if len(data) == 0 || data[0] == 0 {
		return
	}
	var members []Member
	for n := int(data[0]); n > 0; n-- {
		data = data[1:]
		members = append(members, Member{Number: int(data[0] >> 1), Address: fmt.Sprintf("m%d:1", data[0]>>1), Observer: data[0]&1 == 1})
	}
	if _, err := b.Reconfigure(members); err != nil {
		s.figures.refused++
	}
}

// told checks that all members are told the same of the members, at the same
// places of the log, and that who gets a vote has caught up.
func (c *checker) told(m *simMachine, b Batch) {
	if b.Members == nil {
		return
	}
	text := fmt.Sprint(b.Members, b.Change != nil && b.Change.Err != nil)
	if other, ok := c.members[b.Index]; ok {
		if text != other {
			c.sim.fail("member %d was told the members %v at entry %d, another one %v", m.member.number, text, b.Index, other)
		}
		return
	}
	c.members[b.Index] = text
	switch {
	case b.Change == nil:
	case b.Change.Err != nil:
		c.sim.figures.abandoned++
	default:
		c.sim.figures.changed++
	}
	if m.member.node != nil && m.member.node.formed() {
		c.caughtUp(m.member.node.roster.get(), b.Index)
	}
}

// caughtUp checks that no voter has an empty log.
func (c *checker) caughtUp(is *membership, index uint64) {
	for _, m := range c.sim.members {
		if !m.up || m.former != nil || !slices.Contains(is.conf.GetVoters(), m.node.peers.self) {
			continue
		}
		if _, last := m.node.wal.Bounds(); last+500 < index && m.node.id.joined > bootstrapIndex && last <= bootstrapIndex+50 {
			c.sim.fail("member %d votes at entry %d, and has the log up to entry %d", m.number, index, last)
		}
	}
}

var nobody membership

// newest is the newest membership that anybody has applied.
func (s *sim) newest() *membership {
	is := &nobody
	for _, m := range s.members {
		if m.node != nil && m.node.formed() {
			if r := m.node.roster.get(); r.index >= is.index {
				is = r
			}
		}
	}
	return is
}

// current gives those that are members at last, and those that were and are there,
// until it is called again.
func (s *sim) current() []*simMember {
	if is := s.newest(); len(is.servers) > 0 {
		s.are = s.are[:0]
		for _, m := range s.members {
			if _, ok := is.owner(m.number); ok || m.hasLeft(is) {
				s.are = append(s.are, m)
			}
		}
		return s.are
	}
	return s.members[:s.profile.members]
}

// hasLeft reports whether a member is none any more and gets the log.
func (m *simMember) hasLeft(is *membership) bool {
	if m.node == nil {
		return false
	}
	v, ok := is.find(m.number, m.node.directory)
	return ok && v.standing == leaving
}

// underWay reports whether the members are being changed, or one that has lost
// its disk is not back.
func (s *sim) underWay() bool {
	is := s.newest()
	return is.wish != nil || is.joint() || s.wiped != 0 && !s.back(is) || slices.ContainsFunc(is.servers, func(v server) bool { return !v.counts() && v.standing != leaving })
}

// back reports whether the one that lost its disk is a member again, or none any
// more.
func (s *sim) back(is *membership) bool {
	m := s.members[s.wiped-1]
	owner, ok := is.owner(s.wiped)
	return !ok || m.node != nil && owner.directory == m.node.directory && is.wish == nil && !is.joint()
}

// change changes the members, by a client of m, or wipes one.
func (s *sim) change(m *simMember) {
	is := s.newest()
	if s.wiped != 0 && s.back(is) {
		s.wiped = 0
	}
	if s.chance(400) {
		s.wipe(is)
		return
	}
	if !m.up || m.former != nil || len(m.clients) == 0 {
		return
	}
	var list []byte
	voters := 0
	for _, other := range s.members {
		if s.chance(700) {
			observes := byte(s.rng.IntN(8) / 7)
			voters += 1 - int(observes)
			list = append(list, byte(other.number<<1)|observes)
		}
	}
	if voters < 3 { // of two, one that lost its disk meanwhile would be too many
		return
	}
	s.check.proposeWith(m, m.clients[0], append([]byte{byte(len(list))}, list...))
	m.poll()
}

// known reports whether all voters have had this membership on their disks at
// some time. A leader that alone knows that a joint membership has ended may not be
// lost for good: the others need a majority of the former voters, too, of which one
// may have been given up.
func (s *sim) known(is *membership) bool {
	if s.knew == is.index {
		return true
	}
	voters := is.conf.GetVoters()
	for _, m := range s.members {
		if m.up && m.former == nil && m.node.formed() && m.node.roster.get().index >= is.index && m.node.append.durable.Commit >= is.index {
			voters = slices.DeleteFunc(slices.Clone(voters), func(id uint64) bool { return id == m.node.peers.self })
		}
	}
	if len(voters) == 0 {
		s.knew = is.index
	}
	return len(voters) == 0
}

// wipe takes the disk of a voter, if that leaves a majority with all that was
// acknowledged: one at a time, out of three or more, while they do not change. It
// leaves a majority of the founders theirs, too: see former.
func (s *sim) wipe(is *membership) {
	voters := is.conf.GetVoters()
	if !s.known(is) || s.wiped != 0 || len(voters) < 3 || is.wish != nil || is.joint() || s.profile.alone && s.check.committed() == 0 {
		return
	}
	if slices.ContainsFunc(is.servers, func(v server) bool { return v.directory == 0 }) {
		return // one has never been there
	}
	empty := 0 // of those who founded, and might do so again
	for _, m := range s.members[:s.profile.members] {
		if m.node == nil || m.former != nil {
			empty++
		}
	}
	var may []*simMember
	for _, m := range s.members {
		if m.number <= s.profile.members && empty+1 > s.profile.members/2 {
			continue
		}
		if m.up && m.former == nil && slices.Contains(voters, m.node.peers.self) {
			may = append(may, m)
		}
	}
	if len(may) == 0 {
		return
	}
	m := may[s.rng.IntN(len(may))]
	s.wiped = m.number
	s.figures.wiped++
	m.directory = m.node.directory
	m.crash(true)
	m.node = nil
	m.disk = waltest.New(s.rng.Uint64())
}

// within lets events happen until done says so, or fails.
func (s *sim) within(d time.Duration, what string, done func() bool) {
	s.t.Helper()
	if !s.run(s.now()+d, done) && s.err == nil {
		s.fail("%s: not within %v; %s", what, d, s.check.missing())
	}
}
