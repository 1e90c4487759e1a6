package zkserver_test

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestSessionTimeoutIsNegotiated(t *testing.T) {
	s := zktest.NewServer(t)
	tests := []struct {
		name         string
		wanted, want int32
	}{
		{"in range", 5_000, 5_000},
		{"too short becomes 2 ticks", 1, 1_000},
		{"none becomes 2 ticks", 0, 1_000},
		{"negative becomes 2 ticks", -5, 1_000},
		{"too long", 1 << 30, 60_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s)
			c.handshake(wire.ConnectRequest{TimeoutMillis: tt.wanted})
			if got := c.conn.TimeoutMillis; got != tt.want {
				t.Errorf("timeout = %d ms, want %d", got, tt.want)
			}
		})
	}
}

func TestReadOnlyByteIsAnsweredInKind(t *testing.T) {
	s := zktest.NewServer(t)
	for _, has := range []bool{false, true} {
		c := dial(t, s)
		c.handshake(wire.ConnectRequest{TimeoutMillis: 5_000, HasReadOnly: has})
		if c.conn.HasReadOnly != has {
			t.Errorf("request has the byte: %v, response has it: %v", has, c.conn.HasReadOnly)
		}
	}
}

func TestNewSessionNeedsNoPasswordNorKnownVersion(t *testing.T) {
	s := zktest.NewServer(t)
	q := wire.ConnectRequest{ProtocolVersion: 7, TimeoutMillis: 5_000}
	b, start := wire.BeginFrame(nil)
	b = q.Append(b)
	b = append(b, "and more that nobody asked for"...)
	c := dial(t, s)
	c.write(wire.EndFrame(b, start))
	c.decode(c.frame(), &c.conn)
	if c.conn.SessionID == 0 || c.conn.ProtocolVersion != 0 || len(c.conn.Password) != 16 {
		t.Errorf("response = %+v, want a session, version 0 and 16 bytes of password", c.conn)
	}
}

func TestSessionMovesToTheNewConnection(t *testing.T) {
	s := zktest.NewServer(t)
	old := connect(t, s)
	old.create("/e", "", wire.FlagEphemeral)

	c, ok := reconnect(t, s, old)
	if !ok || c.conn.SessionID != old.conn.SessionID || !bytes.Equal(c.conn.Password, old.conn.Password) {
		t.Fatalf("second connection has %+v, first had %+v", c.conn, old.conn)
	}
	old.closed()
	if !c.exists("/e", false) {
		t.Error("ephemeral znode is gone")
	}
}

func TestReattachNegotiatesTheTimeoutAnew(t *testing.T) {
	s := zktest.NewServer(t)
	old := connect(t, s)
	c := dial(t, s)
	c.handshake(wire.ConnectRequest{TimeoutMillis: 3_000, SessionID: old.conn.SessionID, Password: old.conn.Password})
	if c.conn.TimeoutMillis != 3_000 {
		t.Errorf("timeout = %d ms, want 3000", c.conn.TimeoutMillis)
	}
}

// A refusal is a whole response of zeros, and then the end.
func TestRefusalIsAllZeros(t *testing.T) {
	s := zktest.NewServer(t)
	owner := connect(t, s)
	tests := []struct {
		name     string
		session  int64
		password []byte
	}{
		{"unknown session", 12345, owner.conn.Password},
		{"wrong password", owner.conn.SessionID, bytes.Repeat([]byte{1}, 16)},
		{"short password", owner.conn.SessionID, owner.conn.Password[:15]},
	}
	for _, tt := range tests {
		for _, readOnly := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				c := dial(t, s)
				c.write(frame(&wire.ConnectRequest{
					TimeoutMillis: 5_000, SessionID: tt.session, Password: tt.password, HasReadOnly: readOnly,
				}))
				want := make([]byte, 4+4+8+4+16)
				binary.BigEndian.PutUint32(want[16:], 16)
				if readOnly {
					want = append(want, 0)
				}
				if got := c.frame(); !bytes.Equal(got, want) {
					t.Errorf("response = %x, want %x", got, want)
				}
				c.closed()
			})
		}
	}
	if owner.ping().Xid != wire.XidPing {
		t.Error("the owner was disturbed")
	}
}

func TestClosedSessionCannotBeAttachedTo(t *testing.T) {
	s := zktest.NewServer(t)
	old := connect(t, s)
	if r := old.do(wire.OpCloseSession, &wire.Empty{}, nil); r.Err != wire.OK {
		t.Fatalf("closeSession: %v", r.Err)
	}
	old.closed()
	if _, ok := reconnect(t, s, old); ok {
		t.Error("attached to a closed session")
	}
}

func TestClientThatIsAheadGetsNoReply(t *testing.T) {
	s := zktest.NewServer(t)
	c := dial(t, s)
	c.write(frame(&wire.ConnectRequest{TimeoutMillis: 5_000, LastZxidSeen: 1 << 60, Password: make([]byte, 16)}))
	c.closed()
}

func TestHandshakeMustComeInFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory)
		c := dial(t, s)
		start := time.Now()
		var drip sync.WaitGroup
		drip.Go(func() { // ends with the connection
			for _, b := range frame(&wire.ConnectRequest{TimeoutMillis: 5_000, Password: make([]byte, 16)}) {
				if _, err := c.nc.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		c.closed()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("closed after %v, want 5s", took)
		}
		drip.Wait()
	})
}

func TestGarbageBeforeTheHandshakeIsClosed(t *testing.T) {
	s := zktest.NewServer(t)
	tests := map[string][]byte{
		"length -1":       {0xff, 0xff, 0xff, 0xff, 0},
		"length 2^31-1":   {0x7f, 0xff, 0xff, 0xff, 0},
		"length 1 MiB":    {0, 0x10, 0, 0, 0},
		"too short":       {0, 0, 0, 2, 0, 0},
		"empty":           {0, 0, 0, 0},
		"HTTP":            []byte("GET / HTTP/1.1\r\n\r\n"),
		"request":         frame(&wire.RequestHeader{Xid: 1, Op: wire.OpPing}),
		"password of 2GB": append(binary.BigEndian.AppendUint32(append([]byte{0, 0, 0, 44}, make([]byte, 24)...), 1<<31-1), make([]byte, 16)...),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			c.write(b)
			c.closed()
		})
	}
	connect(t, s).ping()
}

func TestFourLetterWords(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Words = []string{"ruok", "isro", "stat", "mntr"} })
	connect(t, s).create("/a", "", 0)
	tests := map[string]string{
		"ruok": `^imok$`,
		"isro": `^rw$`,
		"stat": `(?s)^Zookeeper version: .*Clients:\n /127.0.0.1:\d+\[1\]\(queued=0,recved=\d+,sent=\d+\)\n.*Mode: standalone\n`,
		"mntr": `(?m)^zk_znode_count\t6$`,
		"wchp": `^wchp is not executed because it is not in the whitelist\.\n$`,
	}
	for word, want := range tests {
		c := dial(t, s)
		c.write([]byte(word))
		if got := c.rest(); !regexp.MustCompile(want).Match(got) {
			t.Errorf("%s = %q, want a match of %q", word, got, want)
		}
	}
}

func TestGoZooKeeperReadsOurSrvr(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.Words = []string{"*"} })
	connect(t, s).create("/a", "", 0)
	stats, ok := zk.FLWSrvr([]string{s.Addr()}, time.Second)
	if !ok {
		t.Fatalf("srvr: %v", stats[0].Error)
	}
	if got := stats[0]; got.Mode != zk.ModeStandalone || got.NodeCount != 6 || got.Epoch != 1 {
		t.Errorf("srvr = %+v, want standalone, 6 znodes, epoch 1", got)
	}
	if ok := zk.FLWRuok([]string{s.Addr()}, time.Second); !ok[0] {
		t.Error("ruok is not answered imok")
	}
}
