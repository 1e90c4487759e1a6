package tcp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// answer is what the acceptor says to a hello.
func answer(version byte) []byte {
	b := append([]byte("mwpeer\r\n"), 0, version, 0, 0)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

// inBubble runs the transport of member 1 of two in a bubble; member 2 is the
// test's own.
func inBubble(t *testing.T, test func(t *testing.T, p *half)) {
	synctest.Test(t, func(t *testing.T) {
		p := &half{here: zktest.NewListener(), there: zktest.NewListener(), got: newReceiver(1)}
		var err error
		p.Transport, err = tcp.New(tcp.Config{
			Number: 1, Members: []ensemble.Member{{Number: 1}, {Number: 2, Address: "zk2:2888"}}, Listener: p.here,
			Dial: func(ctx context.Context, _ ensemble.Member) (net.Conn, error) { return p.there.Dial(ctx, "tcp", "") },
		})
		if err != nil {
			t.Fatal(err)
		}
		run(t, p.Transport, p.got)
		test(t, p)
	})
}

// A half is one of two members.
type half struct {
	*tcp.Transport
	here, there *zktest.Listener
	got         *receiver
}

// comes says hello as member 2 and gives the connection and the answer.
func (p *half) comes(t *testing.T, hello []byte) (net.Conn, []byte) {
	t.Helper()
	c, err := p.here.Dial(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(hello); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(answer(0)))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return c, b
}

// goes takes the next connection for a stream and answers its hello.
func (p *half) goes(t *testing.T, stream, version byte) net.Conn {
	t.Helper()
	for {
		c, err := p.there.Accept()
		if err != nil {
			t.Fatal(err)
		}
		h := make([]byte, 8+2+1+4+4+4*8+2+4)
		if _, err := io.ReadFull(c, h); err != nil {
			t.Fatal(err)
		}
		if h[8] != 2 || h[9] != 4 {
			t.Errorf("it speaks versions %d to %d, want 2 to 4", h[8], h[9])
		}
		if h[10] != stream {
			defer c.Close() // not before, or it comes again
			continue
		}
		c.Write(answer(version))
		return c
	}
}

func TestTheNewestVersionOfBothIsSpoken(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		for _, tt := range []struct{ low, high, want byte }{{2, 2, 2}, {2, 3, 3}, {3, 9, 4}, {1, 9, 4}} {
			c, got := p.comes(t, hello(tt.low, tt.high, 2, 2, 1))
			if !bytes.Equal(got, answer(tt.want)) {
				t.Errorf("to versions %d to %d it says %q, want version %d", tt.low, tt.high, got, tt.want)
			}
			c.Close()
		}
	})
}

// TestAMemberOfTheVersionBeforeIsSpokenTo as it is used to: no signs of life, no
// words about parts of snapshots, and frames that are not known are no reason to
// hang up.
func TestAMemberOfTheVersionBeforeIsSpokenTo(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		in, _ := p.comes(t, hello(2, 2, 2, 2, 1))
		out := p.goes(t, 2, 2)
		time.Sleep(time.Minute) // in silence
		in.Write(record([]byte{0xee, 1, 2, 3}))
		in.Write(record([]byte("here")))
		p.got.wait(t, "the second frame", func() bool { return len(p.got.frames) == 2 && p.got.frames[1] == "2: here" })
		p.SendFrame(2, []byte("there"))
		expect(t, out, record([]byte("there")))

		done := make(chan error, 1)
		go func() { done <- p.SendSnapshot(t.Context(), 2, sends(strings.NewReader("state"))) }()
		snap := p.goes(t, 3, 2)
		expect(t, snap, append(record([]byte("state")), record(nil)...))
		yes := []byte{0, 0, 0}
		snap.Write(binary.BigEndian.AppendUint32(yes, checksum(yes)))
		if err := <-done; err != nil {
			t.Errorf("a snapshot to a member of version 2: %v", err)
		}
		for _, c := range []net.Conn{in, out} {
			c.SetReadDeadline(time.Now().Add(time.Minute))
			if n, err := c.Read(make([]byte, 1)); n > 0 || !strings.Contains(err.Error(), "timeout") {
				t.Errorf("%d bytes, %v, want silence", n, err)
			}
		}
	})
}

func expect(t *testing.T, c net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
