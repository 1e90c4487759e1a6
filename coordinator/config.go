package coordinator

import (
	"context"
	"net"
	"time"

	"github.com/rs/zerolog"
)

// Config says how to reach the service. The zero value of a field means its
// default.
type Config struct {
	// Servers are the addresses, "host:port", of which any will do. See
	// [ParseServers]. Default: 127.0.0.1:2181.
	Servers []string

	// Chroot is put before every path: "/a/b". Default: none.
	Chroot string

	// SessionTimeout is how long the service may hear nothing from us before
	// it expires the session. The server may grant less or more. Default: 5s.
	SessionTimeout time.Duration

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger

	// Dial opens a connection. Default: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// ParseServers splits a connect string, "h:p,h:p/chroot".
func ParseServers(s string) (servers []string, chroot string, err error) { panic("todo") }
