package tcp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

// hello is what a member says first.
func hello(low, high, stream byte, from, to int) []byte {
	return helloOf(7, low, high, stream, from, to)
}

// helloOf is of one that belongs to an ensemble, or to none.
func helloOf(cluster uint64, low, high, stream byte, from, to int) []byte {
	b := append([]byte("mwpeer\r\n"), low, high, stream)
	b = binary.BigEndian.AppendUint32(b, uint32(from))
	b = binary.BigEndian.AppendUint32(b, uint32(to))
	b = binary.BigEndian.AppendUint64(b, cluster)
	b = binary.BigEndian.AppendUint64(b, 1)
	b = append(b, make([]byte, 8+8+2)...)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func TestOtherVersionsAreRefusedByWhatAllHaveInCommon(t *testing.T) {
	p := start(t, nil)
	for want, say := range map[string][]byte{
		"speaks versions 5 to 9": hello(5, 9, 1, 1, 2),
		"speaks versions 1 to 1": []byte("mwpeer\r\n\x01\x01"), // its hello was shorter
	} {
		c, err := net.Dial("tcp", p.members[1].Address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write(say)
		answer, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("answer %q, %v, want %q", answer, err, want)
		}
	}
}

func TestGarbageEndsTheConnection(t *testing.T) {
	p := start(t, nil)
	good := hello(2, 2, 2, 1, 2)
	for _, b := range [][]byte{
		bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 10),
		append(slices.Clone(good[:20]), make([]byte, 100)...),
		append(slices.Clone(good), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), // a record of 4 GiB
		append(slices.Clone(good), 0, 0, 0, 1, 0, 0, 0, 0, 'x'),        // a bad CRC
		append(hello(2, 2, 1, 1, 2), record([]byte("not a message"))...),
		append(hello(2, 2, 3, 1, 2), 0, 0, 0, 1, 0, 0, 0, 0, 'x'),
	} {
		c, err := net.Dial("tcp", p.members[1].Address)
		if err != nil {
			t.Fatal(err)
		}
		c.Write(b)
		c.SetReadDeadline(time.Now().Add(2 * time.Minute))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%.40q: the connection stays open", b)
		}
		c.Close()
	}
	if r := p.got[1]; len(r.frames)+len(r.messages) > 0 {
		t.Errorf("taken: %q, %v", r.frames, r.messages)
	}
}

// Who must not be listened to is refused with a line on both sides.
func TestRefusalsAreLoggedOnBothSides(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		change     func(number int, c *tcp.Config, r *receiver)
	}{
		{"another ensemble", "of another ensemble", func(number int, c *tcp.Config, r *receiver) {
			if number == 2 {
				r.refuse = errors.New("member 1 is of another ensemble")
			}
		}},
		{"another member", "looks for member 2 here, but this is member 3", func(number int, c *tcp.Config, r *receiver) {
			if number == 2 {
				c.Number = 3
			}
		}},
		{"a bad certificate", "certificate of nobody", func(number int, c *tcp.Config, r *receiver) {
			if number == 2 {
				c.Check = func(ensemble.Member, net.Conn) error { return errors.New("certificate of nobody") }
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, tt.change)
			p.logs[0].wait(t, tt.says)
			p.logs[1].wait(t, tt.says)
			p.ends[0].SendFrame(2, []byte("x"))
			if err := p.ends[0].SendSnapshot(t.Context(), 2, sends(strings.NewReader("x"))); err == nil {
				t.Error("a snapshot was taken")
			}
			if len(p.got[1].frames) > 0 {
				t.Error("a frame was taken")
			}
		})
	}
}

func TestNewConnectionReplacesTheOneBefore(t *testing.T) {
	p := start(t, func(number int, c *tcp.Config, _ *receiver) {
		if number == 1 { // it does not dial by itself
			c.Members = c.Members[:1]
		}
	})
	var conns []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", p.members[1].Address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write(hello(2, 2, 2, 1, 2))
		conns = append(conns, c)
		if _, err := io.ReadFull(c, make([]byte, 8+1+1+2+4)); err != nil {
			t.Fatal(err)
		}
		c.Write(record([]byte("here")))
		r := p.got[1]
		r.wait(t, "the frame", func() bool { return len(r.frames) == len(conns) })
	}
	conns[0].SetReadDeadline(time.Now().Add(2 * time.Minute))
	if _, err := conns[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the first connection: %v", err)
	}
}
