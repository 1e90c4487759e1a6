package coordinator

import (
	"context"
	"time"
)

// Session is one session with the service. Once lost it is lost for ever.
type Session struct{}

// Connect opens a session. It waits until a server grants one or ctx ends.
func Connect(ctx context.Context, cfg Config) (*Session, error) { panic("todo") }

func (s *Session) ID() int64                { panic("todo") }
func (s *Session) Timeout() time.Duration   { panic("todo") }
func (s *Session) Context() context.Context { panic("todo") }
func (s *Session) Lease() time.Time         { panic("todo") }
func (s *Session) Renewed() <-chan struct{} { panic("todo") }
func (s *Session) Close() error             { panic("todo") }
