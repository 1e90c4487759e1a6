package ensemble

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A simPacket is what one member sends another one: a message of raft's, a frame,
// or the news that its process has ended. Without any of them it is a connection
// only.
type simPacket struct {
	from, to *simMember
	life     int // of from
	who      Credentials
	message  *pb.Message
	frame    []byte
	gone     bool
}

// A simTransport is the sending half of the network; arrive is the other.
type simTransport struct{ m *simMember }

func (t simTransport) Run(context.Context, Receiver) error { return nil }

func (t simTransport) SetMembers(others []Member) {
	t.m.reach = new(uint64)
	for _, o := range others {
		*t.m.reach |= 1 << o.Number
	}
}

// SendRaft sends a copy, since raft writes to what it receives. Entries are not
// written to: the logs of all members share them.
func (t simTransport) SendRaft(to int, m *pb.Message) {
	t.m.send(to, simPacket{who: t.m.node.Credentials(), message: &pb.Message{
		Type: m.Type, To: m.To, From: m.From, Term: m.Term, LogTerm: m.LogTerm, Index: m.Index,
		Entries: slices.Clone(m.Entries), Commit: m.Commit, Vote: m.Vote, Snapshot: m.Snapshot,
		Reject: m.Reject, RejectHint: m.RejectHint, Context: m.Context,
	}})
}

func (t simTransport) SendFrame(to int, frame []byte) {
	t.m.send(to, simPacket{who: t.m.node.Credentials(), frame: frame})
}

func (t simTransport) SendSnapshot(context.Context, int, func(Part) (io.ReadCloser, error)) error {
	return errors.ErrUnsupported
}

// send has a packet arrive later, or never, or after others.
func (m *simMember) send(to int, p simPacket) {
	s := m.sim
	s.figures.messages++
	if m.reach != nil && *m.reach>>to&1 == 0 {
		return
	}
	if s.cut.has(m.number, to) || !s.calm && s.chance(s.profile.drop) {
		return
	}
	delay := 50*time.Microsecond + s.upTo(s.profile.delay)
	if !s.calm && s.chance(20) {
		delay += s.upTo(10 * s.profile.delay)
	}
	if !s.calm && s.chance(s.profile.late) {
		delay += s.upTo(3 * time.Second) // through an election or two
	}
	p.from, p.to, p.life = m, s.members[to-1], m.life
	s.plan(delay, simEvent{packet: &p})
}

// arrive gives a packet to whom it is for.
func (s *sim) arrive(p *simPacket) {
	m := p.to
	if !m.up || s.cut.has(p.from.number, m.number) {
		return
	}
	if s.admits(m, p.from, p.life) {
		switch {
		case p.message != nil:
			m.node.ReceiveRaft(p.who, p.message)
		case p.frame != nil:
			m.node.ReceiveFrame(p.who, m.frame(p.who.Number, p.frame))
		case p.gone:
			m.node.ReceiveGone(p.from.number)
		}
	}
	m.poll()
}

// admits is the handshake of a connection that is made for each packet.
func (s *sim) admits(m, sender *simMember, life int) bool {
	if sender.node == nil || m.node == nil || sender.life != life {
		return true // it was made before
	}
	who, old := sender.node.Credentials(), m.guests[sender.number]
	if old == nil && m.node.belongs(who) {
		return true // as Admit says
	}
	leave, err := m.node.Admit(who)
	if old != nil {
		old()
	}
	if m.guests[sender.number] = leave; m.node.belongs(who) {
		m.guests[sender.number] = nil
	}
	if errors.Is(err, ErrRemoved) && sender.up {
		sender.node.ReceiveRemoved(m.number, err.Error())
		sender.poll()
	}
	return err == nil
}

// transfer carries a snapshot, or a part of it.
func (m *simMember) transfer(message *pb.Message) {
	s := m.sim
	s.figures.transfers++
	to, ok := m.node.peers.numberOf(message.GetTo())
	if !ok {
		m.node.transfers.done(message, errors.New("no such member"))
		return
	}
	have := Part{}
	if other := s.members[to-1]; other.up && !s.cut.has(m.number, to) {
		have = other.node.Part(m.node.Credentials())
	}
	if have.Bytes > 0 {
		s.figures.resumed++
	}
	r, err := m.node.transfers.open(message, have)
	if err != nil {
		m.node.transfers.done(message, err)
		return
	}
	b, err := io.ReadAll(r)
	r.Close()
	if err != nil {
		s.fail("member %d: read a snapshot: %v", m.number, err)
	}
	m.in(s.upTo(200*time.Millisecond), func() {
		m.node.transfers.done(message, m.deliver(s.members[to-1], b))
	})
}

// deliver gives a snapshot, or a part of it, to another member.
func (m *simMember) deliver(to *simMember, b []byte) error {
	s := m.sim
	var whole io.Reader = bytes.NewReader(b)
	broken := !s.calm && s.chance(200)
	if broken {
		whole = io.MultiReader(bytes.NewReader(b[:s.rng.IntN(len(b))]), brokenReader{})
	}
	if !to.up || s.cut.has(m.number, to.number) {
		return errors.New("not reached")
	}
	err := to.node.ReceiveSnapshot(m.node.Credentials(), whole)
	switch {
	case errors.Is(err, waltest.ErrPowerCut):
		to.died(err)
	case err == nil || broken || errors.Is(to.node.Judge(m.node.Credentials()), ErrRemoved):
	case !errors.Is(err, errNotFormed) && !errors.Is(err, errReceiving) && !errors.Is(err, errNoPart) && !errors.Is(err, errNotForUs) && !errors.Is(err, wal.ErrDiskFull):
		s.fail("member %d: %v", to.number, err)
	}
	if to.up {
		to.poll()
	}
	return err
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// simCuts are the links on which nothing gets through: from and to, by number.
type simCuts [16][16]bool

func (c *simCuts) has(from, to int) bool { return c[from][to] }
func (c *simCuts) both(a, b int)         { c[a][b], c[b][a] = true, true }
func (c *simCuts) mend()                 { *c = simCuts{} }

// partition cuts the links from one side to the other: 0 one way, 1 the other,
// 2 both.
func (s *sim) partition(across func(a, b int) bool, ways int) {
	s.figures.partitions++
	for _, a := range s.members {
		for _, b := range s.members {
			if a == b || !across(a.number, b.number) {
				continue
			}
			if ways != 1 {
				s.cut[a.number][b.number] = true
			}
			if ways != 0 {
				s.cut[b.number][a.number] = true
			}
		}
	}
	s.after(s.upTo(3*time.Second), s.cut.mend)
}
