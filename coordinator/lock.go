package coordinator

import "context"

// Lock is a held lock.
type Lock struct{}

func (s *Session) Lock(ctx context.Context, path string) (*Lock, error) { panic("todo") }
func (l *Lock) Context() context.Context                                { panic("todo") }
func (l *Lock) Fence() int64                                            { panic("todo") }
func (l *Lock) Unlock(ctx context.Context) error                        { panic("todo") }
