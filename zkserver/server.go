package zkserver

import (
	"context"
	"net"
)

// Server is one member of the coordination service.
type Server struct{}

// Open takes the data directory and the port.
func Open(cfg Config) (*Server, error) { panic("todo") }

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { panic("todo") }

// Run serves clients until ctx ends or the disk fails.
func (s *Server) Run(ctx context.Context) error { panic("todo") }
