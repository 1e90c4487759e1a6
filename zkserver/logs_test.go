package zkserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// lines sends on what is logged.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	select {
	case l <- string(b):
	default: // nobody has looked for a long time
	}
	return len(b), nil
}

func TestRefusedAuthsDoNotHideThatASessionExpired(t *testing.T) {
	log := make(lines, 1000)
	s := zktest.NewServer(t, func(cfg *zkserver.Config) {
		cfg.Tick = time.Millisecond
		cfg.Log = zerolog.New(log)
	})
	for range 30 {
		c := connect(t, s)
		c.auth("nonsense", "")
	}
	c := dial(t, s)
	c.handshake(wire.ConnectRequest{TimeoutMillis: 1})
	deadline := time.After(10 * time.Second)
	for {
		select {
		case line := <-log:
			if strings.Contains(line, "session expired") {
				return
			}
		case <-deadline:
			t.Fatal("no line says that a session expired")
		}
	}
}
