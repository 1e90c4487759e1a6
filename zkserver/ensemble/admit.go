package ensemble

import (
	"errors"
	"fmt"
)

// ErrRemoved says that a member is none any more.
var ErrRemoved = errors.New("removed from the ensemble")

// Credentials implements Receiver.
func (n *Node) Credentials() Credentials {
	c := Credentials{Number: n.cfg.Number, Directory: n.directory, Address: n.cfg.address()}
	if n.formed() {
		c.Cluster, c.Member, c.Joined = n.id.cluster, n.id.member, n.id.joined
		if m := n.roster.get(); m.knows(c.Number, c.Directory) {
			c.Joined = max(c.Joined, m.index)
		}
		if n.roster.rejected.Load() {
			c.Joined = 0
		}
	}
	return c
}

// Judge implements Receiver. Who has no ensemble yet, or finds none here, is a
// guest, from whom greetings are taken and nothing else. A member that this one does
// not know yet, since it lags behind, is let in, too: raft's messages are taken from
// it, or this member would never learn of it.
func (n *Node) Judge(c Credentials) error {
	alien := c.Number == n.cfg.Number || c.Number < 0 || c.Number > maxNumber
	if alien || !n.formed() && c.Cluster == 0 && !n.cfg.has(c.Number) {
		return fmt.Errorf("member %d is not one of the other members of member %d: all members need the same list", c.Number, n.cfg.Number)
	}
	if !n.formed() || c.Cluster == 0 {
		return nil
	}
	if c.Cluster != n.id.cluster {
		return fmt.Errorf("member %d is of another ensemble (%016x) than member %d: the address or the data directory of one of them is wrong", c.Number, c.Cluster, n.cfg.Number)
	}
	m := n.roster.get()
	switch _, ok := m.owner(c.Number); {
	case m.knows(c.Number, c.Directory), n.newer(m, c):
		return nil
	case ok: // whose directory is not told: it is what a member proves itself by
		return fmt.Errorf("member %d with data directory %016x was replaced and %w: the member has another directory", c.Number, c.Directory, ErrRemoved)
	default:
		return fmt.Errorf("member %d was %w", c.Number, ErrRemoved)
	}
}

// Admit implements Receiver.
func (n *Node) Admit(c Credentials) (leave func(), err error) {
	if n.alien(c) {
		n.net.put(received{from: c.Number, alien: true})
	}
	if err := n.Judge(c); err != nil {
		if errors.Is(err, ErrRemoved) { // it may be wished back
			member := c.Member
			if c.Joined == 0 {
				member = 0 // it was only let in, and is as good as new
			}
			n.net.put(received{from: c.Number, frame: appendFrame(frameReturn, c.Directory, member)})
		}
		return nil, err
	}
	if n.belongs(c) {
		return func() {}, nil
	}
	m := Member{Number: c.Number, Address: c.Address}
	if m.Address != "" && n.cfg.GuestAt != nil && !n.cfg.GuestAt(m.Address) {
		n.cfg.Log.Warn().Int("member", m.Number).Str("addr", m.Address).Msg("guest cannot be answered: its address is not on this machine, and there is no TLS")
		m.Address = ""
	}
	joined := c.Joined
	if c.Cluster == 0 {
		joined = 0 // it belongs to no ensemble, and has joined none
	}
	leave, ok := n.peers.welcome(m, joined)
	if !ok {
		return nil, fmt.Errorf("member %d is not known, and too many such are here", c.Number)
	}
	return leave, nil
}

// belongs reports whether credentials are those of a member.
func (n *Node) belongs(c Credentials) bool {
	if !n.formed() || c.Cluster != n.id.cluster || c.Member == 0 {
		return false
	}
	s, ok := n.roster.get().find(c.Number, c.Directory)
	return ok && s.raft == c.Member
}

// newer reports whether one may be a member by entries that are not applied here
// yet.
func (n *Node) newer(m *membership, c Credentials) bool {
	return c.Joined > m.index || n.id.joined > m.index
}

// trusts reports whether raft may hear one: a member, or a newer one. One that was
// removed and came back has another number of raft's, which a new member, who begins
// with the founders, has yet to learn.
func (n *Node) trusts(c Credentials) bool {
	if !n.formed() || c.Cluster != n.id.cluster || c.Cluster == 0 || c.Member == 0 {
		return false
	}
	m := n.roster.get()
	if s, ok := m.find(c.Number, c.Directory); ok && s.raft != 0 {
		return s.raft == c.Member || n.newer(m, c)
	}
	return n.Judge(c) == nil
}

// hears reports whether a frame may come from one.
func (n *Node) hears(c Credentials, frame []byte) bool {
	if len(frame) == 0 {
		return false
	}
	switch frame[0] {
	case frameHello, frameWelcome, frameWait, frameTaken, frameOwn:
		return true
	case frameAccepted, frameRefused, frameTold: // the leader may be newer
		return n.trusts(c)
	case frameForward, frameTell, frameRelay, frameSpeaks, frameRoom:
		return n.belongs(c)
	}
	return false
}

// ReceiveRemoved implements Receiver.
func (n *Node) ReceiveRemoved(from int, why string) {
	if n.formed() {
		n.net.put(received{from: from, removed: why})
	}
}
