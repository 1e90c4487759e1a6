package ensemble

import "sync"

// A Role is what a member is in the present term.
type Role struct {
	Term    uint64 // of raft's
	Leading bool
	Leader  int // number of the leader, if HasLeader

	HasLeader bool // we lead, or follow somebody
}

// roles hold the present role. The raft loop sets it; anybody may ask.
type roles struct {
	mu      sync.Mutex // protects the fields below
	role    Role
	changed chan struct{} // closed, and replaced, when role changes
}

func newRoles() *roles { return &roles{changed: make(chan struct{})} }

func (r *roles) set(role Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if role != r.role {
		r.role = role
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

// Role says what this member is, as far as it knows. It does not block. A member
// that was stopped for a while, or cut off, may lead by its own account while
// there is another leader, of a later term.
func (n *Node) Role() Role {
	n.roles.mu.Lock()
	defer n.roles.mu.Unlock()
	return n.roles.role
}

// RoleChanged gives a channel that is closed when the role is another than at
// the time of the call. Who asks for it first, and then for the role, misses no
// change.
func (n *Node) RoleChanged() <-chan struct{} {
	n.roles.mu.Lock()
	defer n.roles.mu.Unlock()
	return n.roles.changed
}
