package zkserver

import (
	"log"
	"net"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// maxSiteConns is how many HTTP connections one address of operators may have,
// and maxControlConns how many the control socket: they take files, which the
// clients and the log need.
const (
	maxSiteConns    = 64
	maxControlConns = 16
)

// operatorFiles are the open files that operators may take.
func (c *Config) operatorFiles() int {
	n := 0
	for _, addr := range []string{c.Operators.Admin, c.Operators.Metrics} {
		if addr != "" {
			n += maxSiteConns
		}
	}
	if c.Control {
		n += maxControlConns
	}
	return n
}

// A bounded listener closes connections at once while it has as many as it may.
type bounded struct {
	net.Listener
	places chan struct{} // one token per open connection
}

func bound(l net.Listener, most int) *bounded {
	return &bounded{l, make(chan struct{}, most)}
}

// Accept returns the next connection that there is a place for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		nc, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.places <- struct{}{}:
			return &placed{Conn: nc, leave: sync.OnceFunc(func() { <-b.places })}, nil
		default:
			nc.Close()
		}
	}
}

// A placed connection has a token of its listener.
type placed struct {
	net.Conn
	leave func()
}

func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}

// httpErrors gives the logger of an HTTP server, which else writes plain lines to
// stderr.
func httpErrors(l zerolog.Logger) *log.Logger { return log.New(httpLog{l}, "", 0) }

type httpLog struct{ log zerolog.Logger }

func (h httpLog) Write(b []byte) (int, error) {
	h.log.Warn().Str("err", strings.TrimSpace(string(b))).Msg("trouble with an http connection")
	return len(b), nil
}
