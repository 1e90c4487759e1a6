package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/rs/zerolog"
)

// OpenACL lets everyone do everything.
var OpenACL = []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}

// A Config says how to reach a server. The zero value of a field means its default.
type Config struct {
	// Servers are tried in turn, each as "host:port". There must be one.
	Servers []string

	// Chroot is put before every path of the methods named after an op, and
	// taken off the paths of events and answers. [Client.Send] and [Client.Do]
	// take whole paths. Default: none.
	Chroot string

	// SessionTimeout is asked of the server, which may answer another. Default: 10 s.
	SessionTimeout time.Duration

	// ReadOnly accepts a server that is cut off from the others.
	ReadOnly bool

	// MaxInFlight is how many requests may be without an answer; Send waits
	// while there are as many. Default: 1000, which is what a server allows by
	// default (globalOutstandingLimit).
	MaxInFlight int

	// MaxReply bounds a frame from the server, in bytes. Default: 64 MiB.
	MaxReply int

	// OnEvent hears of watches that fired, and with type [wire.EventNone] of the
	// connection: SyncConnected or ConnectedReadOnly, Disconnected, Expired,
	// AuthFailed, and Closed after [Client.Close]. It must not block. Default: nobody hears.
	OnEvent func(wire.WatcherEvent)

	// Dial connects to a server. Default: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Servers) == 0 {
		return c, errors.New("client: config names no server")
	}
	if c.Chroot == "/" {
		c.Chroot = ""
	}
	if c.Chroot != "" && (c.Chroot[0] != '/' || strings.HasSuffix(c.Chroot, "/")) {
		return c, fmt.Errorf("client: chroot %q must begin with a slash and not end with one", c.Chroot)
	}
	if c.SessionTimeout <= 0 {
		c.SessionTimeout = 10 * time.Second
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 1000
	}
	if c.MaxReply <= 0 {
		c.MaxReply = 64 << 20
	}
	if c.OnEvent == nil {
		c.OnEvent = func(wire.WatcherEvent) {}
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return c, nil
}
