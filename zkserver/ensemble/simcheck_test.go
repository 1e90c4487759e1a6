package ensemble

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"io"
	"strings"
)

var ecma = crc64.MakeTable(crc64.ECMA)

// A checker knows what the members together have done, and what they must not
// do: apply different commands at a place, a command twice, the commands of a
// client out of order or with a gap; lose what was applied anywhere; have two
// leaders in a term; let time fall.
type checker struct {
	sim      *sim
	history  []simCommand // what was applied anywhere, in order
	digests  []uint64     // after each
	digested []byte       // memory to use again
	next     map[uint64]int
	leaders  map[uint64]int    // by term
	members  map[uint64]string // by the entry they were told at
	clients  uint64
}

func (c *checker) begin(s *sim) {
	*c = checker{sim: s, digests: []uint64{0}, next: map[uint64]int{}, leaders: map[uint64]int{}, members: map[uint64]string{}}
}

// committed is how many commands are known to be applied somewhere.
func (c *checker) committed() int { return len(c.history) }

// leads notes who leads.
func (c *checker) leads(m *simMember) {
	l := m.node.loop
	if !l.leading {
		return
	}
	if other, ok := c.leaders[l.term]; ok && other != m.number {
		c.sim.fail("members %d and %d both lead in term %d", other, m.number, l.term)
	}
	c.leaders[l.term] = m.number
}

// apply checks the next command of a member's machine.
func (c *checker) apply(m *simMachine, cmd simCommand) {
	if m.count < len(c.history) {
		if got := c.history[m.count]; got != cmd {
			c.sim.fail("member %d applied %v as number %d, another one %v", m.member.number, cmd, m.count, got)
		}
		return
	}
	if want := c.next[cmd.client]; uint64(want) != cmd.number {
		c.sim.fail("command %d of client %d was applied, want %d", cmd.number, cmd.client, want)
	}
	c.next[cmd.client]++
	c.history = append(c.history, cmd)
	b := binary.BigEndian.AppendUint64(c.digested[:0], c.digests[len(c.digests)-1])
	b = binary.BigEndian.AppendUint64(b, cmd.client)
	b = binary.BigEndian.AppendUint64(b, cmd.number)
	c.digested = b
	c.digests = append(c.digests, crc64.Checksum(b, ecma))
}

// done reports whether all members are alike and all clients have their
// answers.
func (c *checker) done() bool { return !c.lacks(nil) }

// missing says what is not done.
func (c *checker) missing() string {
	var s strings.Builder
	c.lacks(&s)
	return s.String()
}

// lacks reports whether anything is not done, and says so: without s it stops at
// the first.
func (c *checker) lacks(s *strings.Builder) bool {
	lacks := c.sim.underWay()
	if lacks && s != nil {
		s.WriteString("the members are being changed; ")
	}
	for _, m := range c.sim.current() {
		if lacks && s == nil {
			return true
		}
		lacks = c.memberLacks(m, s) || lacks
	}
	return lacks
}

func (c *checker) memberLacks(m *simMember, s *strings.Builder) bool {
	there := m.up && m.former == nil && !m.node.loop.removed
	alike := there && m.machine.count == len(c.history) && m.machine.digest == c.digests[len(c.history)]
	lacks := !alike
	switch {
	case s == nil || alike:
	case !there:
		fmt.Fprintf(s, "member %d is not there; ", m.number)
	default:
		fmt.Fprintf(s, "member %d has applied %d of %d (term %d, leader %x); ", m.number, m.machine.count, len(c.history), m.node.loop.term, m.node.loop.leader)
	}
	for _, cl := range m.clients {
		if there && cl.answered != cl.proposed {
			if lacks = true; s != nil {
				fmt.Fprintf(s, "client %d of member %d has %d answers of %d; ", cl.id, m.number, cl.answered, cl.proposed)
			}
		}
	}
	return lacks
}

// A simMachine is the state of one member's process: how many commands, and a
// digest of them.
type simMachine struct {
	member *simMember
	speaks uint8
	count  int
	digest uint64
	index  uint64
	time   int64
	state  bool // was restored
}

func (m *simMachine) Apply(b Batch) {
	s := m.member.sim
	if b.Index <= m.index || b.Time < m.time {
		s.fail("member %d applied entry %d of time %d after %d of %d", m.member.number, b.Index, b.Time, m.index, m.time)
	}
	m.index, m.time = b.Index, b.Time
	s.check.told(m, b)
	s.check.understood(m, b)
	if s.profile.plant == skippedBatch && len(b.Commands) > 1 && s.chance(1) {
		b.Commands = b.Commands[1:]
	}
	for _, c := range b.Commands {
		cmd := simCommand{binary.BigEndian.Uint64(c.Data), binary.BigEndian.Uint64(c.Data[8:])}
		s.check.apply(m, cmd)
		s.wish(b, c.Data[16:])
		m.count++
		if m.count < len(s.check.digests) {
			m.digest = s.check.digests[m.count]
		}
		if m.member.node != nil && c.Origin == m.member.node.Origin() {
			s.check.answer(m.member, cmd)
		}
	}
}

func (m *simMachine) Capture() io.WriterTo {
	b := binary.BigEndian.AppendUint64(nil, uint64(m.count))
	b = binary.BigEndian.AppendUint64(b, m.digest)
	b = binary.BigEndian.AppendUint64(b, uint64(m.time))
	return strings.NewReader(string(b))
}

func (m *simMachine) Restore(r io.Reader) error {
	b := make([]byte, 24)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	s := m.member.sim
	m.count, m.digest, m.time = int(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:]), int64(binary.BigEndian.Uint64(b[16:]))
	if m.count > len(s.check.history) || s.check.digests[m.count] != m.digest {
		s.fail("member %d restored a state that no member had", m.member.number)
	}
	if m.state || m.index > 0 {
		s.figures.restores++
	}
	m.state = true
	if len(m.member.clients) > 0 { // their outcome is not known
		m.member.clients = nil
		m.member.in(0, func() { s.check.newClient(m.member) })
	}
	return nil
}
