package coordinator

import "context"

// Children is a state of [Session.FollowChildren].
type Children struct {
	Names  []string // in no order; shared: do not modify
	Exists bool
	Stat   Stat
}

// Data is a state of [Session.FollowData].
type Data struct {
	Bytes  []byte // shared: do not modify
	Exists bool
	Stat   Stat
}

func (s *Session) FollowChildren(ctx context.Context, path string) <-chan Children { panic("todo") }
func (s *Session) FollowData(ctx context.Context, path string) <-chan Data         { panic("todo") }
func (s *Session) AwaitExists(ctx context.Context, path string) error              { panic("todo") }
func (s *Session) AwaitGone(ctx context.Context, path string) error                { panic("todo") }
