package master

import (
	"context"
	"net"
)

// Master is one candidate for being master. Run several.
type Master struct {
	cfg      Config
	listener net.Listener
}

// New takes the port of the HTTP server. The caller must call Run.
func New(cfg Config) (*Master, error) { panic("todo") }

// Addr is where the master serves HTTP.
func (m *Master) Addr() net.Addr { return m.listener.Addr() }

// Run campaigns, leads and stands by, over as many sessions as it takes, until
// ctx ends. Then it finishes what it has begun, resigns, and returns nil.
func (m *Master) Run(ctx context.Context) error { panic("todo") }
