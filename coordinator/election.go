package coordinator

import "context"

// Term is one stretch of being master.
type Term struct{}

func (s *Session) Campaign(ctx context.Context, addr string) (*Term, error) { panic("todo") }
func (t *Term) Number() int32                                               { panic("todo") }
func (t *Term) Context() context.Context                                    { panic("todo") }
func (t *Term) Multi(ctx context.Context, ops ...Op) ([]OpResult, error)    { panic("todo") }
func (t *Term) Resign(ctx context.Context) error                            { panic("todo") }
