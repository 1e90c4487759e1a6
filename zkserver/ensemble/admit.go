package ensemble

import "fmt"

// Credentials implements Receiver.
func (n *Node) Credentials() Credentials {
	if !n.formed() {
		return Credentials{Number: n.cfg.Number, Directory: n.directory}
	}
	return Credentials{Number: n.cfg.Number, Cluster: n.id.cluster, Directory: n.directory}
}

// Admit implements Receiver. Who has no ensemble yet is admitted: nothing but
// frames is taken from it, and what they are answered the roster says.
func (n *Node) Admit(c Credentials) error {
	if !n.cfg.has(c.Number) || c.Number == n.cfg.Number {
		return fmt.Errorf("member %d is not one of the other members of member %d: all members need the same list", c.Number, n.cfg.Number)
	}
	if !n.formed() || c.Cluster == 0 {
		return nil
	}
	if c.Cluster != n.id.cluster {
		return fmt.Errorf("member %d is of another ensemble (%016x) than member %d (%016x): the address or the data directory of one of them is wrong", c.Number, c.Cluster, n.cfg.Number, n.id.cluster)
	}
	if owner, ok := n.roster.owner(c.Number); ok && owner != 0 && owner != c.Directory {
		return fmt.Errorf("member %d has another data directory (%016x) than the ensemble knows it by (%016x)", c.Number, c.Directory, owner)
	}
	return nil
}
