package coordinator

import "context"

// Membership is our own place in a group.
type Membership struct{}

// Member is one znode of a group.
type Member struct {
	Name string
	Data []byte
	Stat Stat
}

func (s *Session) Join(ctx context.Context, group, name string, data []byte) (*Membership, error) {
	panic("todo")
}
func (m *Membership) Path() string                                  { panic("todo") }
func (m *Membership) Context() context.Context                      { panic("todo") }
func (m *Membership) Update(ctx context.Context, data []byte) error { panic("todo") }
func (m *Membership) Leave(ctx context.Context) error               { panic("todo") }
func (s *Session) FollowMembers(ctx context.Context, group string) <-chan []Member {
	panic("todo")
}
