package zktest_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers every byte with the same byte until ln closes.
func echo(t *testing.T, ln net.Listener) {
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	t.Cleanup(func() { ln.Close() })
}

// inBubble runs f with a proxy in front of an echo, all in memory.
func inBubble(t *testing.T, f func(t *testing.T, p *zktest.Proxy, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		front, back := zktest.NewListener(), zktest.NewListener()
		echo(t, back)
		p := zktest.NewMemoryProxy(t, front, back)
		f(t, p, func() net.Conn {
			c, err := front.Dial(t.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		})
	})
}

// expect reads from c and wants exactly want, then nothing more for an hour,
// or, if end, the end of the connection.
func expect(t *testing.T, c net.Conn, want string, end bool) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Hour))
	defer c.SetReadDeadline(time.Time{})
	var got bytes.Buffer
	_, err := got.ReadFrom(c)
	if got.String() != want {
		t.Errorf("read %q, want %q", got.String(), want)
	}
	var timeout net.Error
	if silent := errors.As(err, &timeout) && timeout.Timeout(); silent == end {
		t.Errorf("after %q: %v, want the end: %v", got.String(), err, end)
	}
}

// send writes without waiting for the other end to read.
func send(c net.Conn, s string) { go io.WriteString(c, s) }

func TestProxyPasses(t *testing.T) {
	inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
		c := dial()
		send(c, "hello")
		expect(t, c, "hello", false)
		if n := p.Conns(); n != 1 {
			t.Errorf("Conns = %d, want 1", n)
		}
		c.Close()
		synctest.Wait()
		if n := p.Conns(); n != 0 {
			t.Errorf("Conns after close = %d, want 0", n)
		}
	})
}

func TestSilenceHoldsBytesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
		old := dial()
		send(old, "a")
		expect(t, old, "a", false)

		p.SetMode(zktest.Silence)
		send(old, "b")
		fresh := dial() // accepted all the same
		send(fresh, "c")
		expect(t, old, "", false)
		expect(t, fresh, "", false)

		p.SetMode(zktest.Pass)
		expect(t, old, "b", false)
		expect(t, fresh, "c", false)
	})
}

func TestRefuseLeavesOldConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front, back := zktest.NewListener(), zktest.NewListener()
		echo(t, back)
		p := zktest.NewMemoryProxy(t, front, back)
		old, err := front.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		p.SetMode(zktest.Refuse)
		if _, err := front.Dial(t.Context(), "", ""); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v, want a refusal", err)
		}
		send(old, "a")
		expect(t, old, "a", false)

		p.SetMode(zktest.Pass)
		fresh, err := front.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		send(fresh, "b")
		expect(t, fresh, "b", false)
	})
}

func TestDropRepliesEndsTheConnectionThatLostOne(t *testing.T) {
	inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
		victim, idle := dial(), dial()
		p.SetMode(zktest.DropReplies)
		send(victim, "a")
		expect(t, victim, "", false)

		p.SetMode(zktest.Pass)
		expect(t, victim, "", true)
		send(idle, "b")
		expect(t, idle, "b", false)
	})
}

func TestCutEndsEveryConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
		a, b := dial(), dial()
		p.SetMode(zktest.Silence)
		send(a, "lost")
		synctest.Wait()
		p.Cut()
		expect(t, a, "", true)
		expect(t, b, "", true)
		p.SetMode(zktest.Pass)
		c := dial()
		send(c, "c")
		expect(t, c, "c", false)
	})
}

func TestCutAfterCountsBytes(t *testing.T) {
	const text = "0123456789"
	for _, dir := range []zktest.Direction{zktest.Requests, zktest.Replies} {
		for n := range len(text) + 1 {
			inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
				p.CutAfter(dir, n)
				c := dial()
				send(c, text)
				switch {
				case n == len(text): // the cut waits for the next byte
					expect(t, c, text, false)
					send(c, "x")
					expect(t, c, "", true)
				case dir == zktest.Replies:
					expect(t, c, text[:n], true)
				default: // the echo of the request's first part may be cut off
					expectEnd(t, c)
				}
				c = dial() // once only
				send(c, text)
				expect(t, c, text, false)
			})
		}
	}
}

func expectEnd(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Hour))
	if _, err := io.Copy(io.Discard, c); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection goes on")
	}
}

func TestDelayHoldsEachChunk(t *testing.T) {
	inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
		c := dial()
		p.SetDelay(time.Second, time.Second)
		start := time.Now()
		send(c, "a")
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("there and back took %v, want 2s", took)
		}
	})
}

func TestDelaysAreTheSameForTheSameSeed(t *testing.T) {
	run := func(seed uint64) (took []time.Duration) {
		inBubble(t, func(t *testing.T, p *zktest.Proxy, dial func() net.Conn) {
			p.Seed(seed)
			p.SetDelay(time.Millisecond, time.Second)
			c := dial()
			for range 5 {
				start := time.Now()
				send(c, "a")
				if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
		})
		return took
	}
	a, b, other := run(7), run(7), run(8)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("seed 7 gave %v, then %v", a, b)
		}
	}
	if a[0] == other[0] {
		t.Errorf("seeds 7 and 8 both gave %v first", a[0])
	}
}

// TestProxyOverTCP does on sockets what the bubbles above cannot show.
func TestProxyOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	echo(t, ln)
	p := zktest.NewProxy(t, ln.Addr().String())
	roundTrip := func() error {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c, "hi"); err != nil {
			return err
		}
		_, err = io.ReadFull(c, make([]byte, 2))
		return err
	}
	for range 10 {
		if err := roundTrip(); err != nil {
			t.Errorf("while passing: %v", err)
		}
		p.SetMode(zktest.Refuse)
		if err := roundTrip(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while refusing: %v", err)
		}
		p.SetMode(zktest.Pass)
	}
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.Cut()
	p.SetMode(zktest.Silence)
	p.Close() // with a connection held back
	if _, err := net.Dial("tcp", p.Addr()); err == nil {
		t.Error("dial after Close went through")
	}
}
