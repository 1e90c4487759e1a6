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
	}
	return c
}

// Admit implements Receiver. Who has no ensemble yet is admitted: nothing but
// frames is taken from it, and what they are answered the roster says. So is a
// member that this one does not know yet, since it lags behind.
func (n *Node) Admit(c Credentials) error {
	stranger := c.Number == n.cfg.Number || c.Number < 0 || c.Number > maxNumber
	if stranger || !n.formed() && c.Cluster == 0 && !n.cfg.has(c.Number) {
		return fmt.Errorf("member %d is not one of the other members of member %d: all members need the same list", c.Number, n.cfg.Number)
	}
	if !n.formed() || c.Cluster == 0 {
		n.guest(c)
		return nil
	}
	if c.Cluster != n.id.cluster {
		return fmt.Errorf("member %d is of another ensemble (%016x) than member %d (%016x): the address or the data directory of one of them is wrong", c.Number, c.Cluster, n.cfg.Number, n.id.cluster)
	}
	m := n.roster.get()
	switch s, ok := m.owner(c.Number); {
	case m.knows(c.Number, c.Directory):
		return nil
	case c.Joined > m.index || n.id.joined > m.index: // of what is newer nothing is known here yet
		n.guest(c)
		return nil
	case ok:
		n.net.put(received{from: c.Number, frame: appendFrame(frameReturn, c.Directory, c.Member)})
		return fmt.Errorf("member %d with data directory %016x was replaced and %w: member %d has another directory (%016x)", c.Number, c.Directory, ErrRemoved, c.Number, s.directory)
	default:
		n.net.put(received{from: c.Number, frame: appendFrame(frameReturn, c.Directory, c.Member)})
		return fmt.Errorf("member %d was %w", c.Number, ErrRemoved)
	}
}

// guest has the transport reach one who is no member as far as is known here.
func (n *Node) guest(c Credentials) {
	if c.Address != "" {
		n.peers.welcome(Member{Number: c.Number, Address: c.Address}, c.Joined)
	}
}

// ReceiveRemoved implements Receiver.
func (n *Node) ReceiveRemoved(from int, why string) {
	if n.formed() {
		n.net.put(received{from: from, removed: why})
	}
}
