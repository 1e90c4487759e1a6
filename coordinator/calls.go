package coordinator

import (
	"context"
	"time"
)

// AnyVersion as a version matches every version.
const AnyVersion int32 = -1

// Stat is what the service knows about a znode besides its data.
type Stat struct {
	Czxid, Mzxid, Pzxid         int64
	Ctime, Mtime                time.Time
	Version, Cversion, Aversion int32
	EphemeralOwner              int64
	DataLength, NumChildren     int
}

// Mode says what kind of znode to create.
type Mode uint8

const (
	Persistent Mode = iota
	Ephemeral
	Sequential
	EphemeralSequential
)

func (s *Session) Get(ctx context.Context, path string) ([]byte, Stat, error)        { panic("todo") }
func (s *Session) Exists(ctx context.Context, path string) (Stat, bool, error)       { panic("todo") }
func (s *Session) Children(ctx context.Context, path string) ([]string, Stat, error) { panic("todo") }
func (s *Session) Sync(ctx context.Context, path string) error                       { panic("todo") }
func (s *Session) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	panic("todo")
}
func (s *Session) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	panic("todo")
}
func (s *Session) Delete(ctx context.Context, path string, version int32) error { panic("todo") }
