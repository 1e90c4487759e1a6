package tcp_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Strangers who connect and say nothing, or half a hello, took all places of those
// who shake hands, for five seconds each: members waited behind them.
func TestAFloodOfStrangersKeepsNoMemberOut(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		for i := range 500 {
			c, err := p.here.Dial(t.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			go c.Write(hello(2, 3, 2, 2, 1)[:i%40])
		}
		began := time.Now()
		in, _ := p.comes(t, hello(2, 3, 2, 2, 1))
		in.Write(record([]byte("here")))
		p.got.wait(t, "the frame", func() bool { return len(p.got.frames) == 1 })
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("a member was let in after %v", took)
		}
		time.Sleep(time.Minute)
	})
}

func TestAHelloMustBeWholeInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		c, err := p.here.Dial(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, b := range hello(2, 3, 2, 2, 1) { // a byte a second
			if _, err := c.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("a hello in %v was waited for", took)
		}
	})
}

// Those who belong to no ensemble may say hello: a few of one machine, in short, and
// again and again.
func TestGuestsOfAMachineAreFewAndShort(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		var taken []net.Conn
		for i := range 100 {
			c, err := p.here.Dial(t.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			c.Write(helloOf(0, 2, 2, 2, 2+i, 1))
			b := make([]byte, 600)
			n, err := c.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case b[8] == 0:
				taken = append(taken, c)
			case !strings.Contains(string(b[:n]), "too many"):
				t.Fatalf("refused with %q", b[:n])
			default:
				c.Close()
			}
		}
		if len(taken) != 16 {
			t.Errorf("%d guests are taken", len(taken))
		}
		last := taken[len(taken)-1]
		if _, err := last.Write(record(bytes.Repeat([]byte{9}, 2<<20))); err == nil {
			t.Error("a guest may send 2 MiB at once")
		}
		synctest.Wait()
		c, _ := p.comes(t, helloOf(0, 2, 2, 2, 2, 1))
		began := time.Now()
		if _, err := io.Copy(io.Discard, c); err != nil || time.Since(began) > 15*time.Second {
			t.Errorf("a silent guest stays %v: %v", time.Since(began), err)
		}
	})
}
