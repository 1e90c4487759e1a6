package tcp_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

// process says hello for a stream of member 2 as one of its processes, and gives
// what it is refused with.
func (p *half) process(t *testing.T, stream byte, run uint64) (c net.Conn, refused string) {
	t.Helper()
	c, _ = p.comes(t, hello(2, 4, stream, 2, 1))
	c.SetDeadline(time.Now().Add(time.Minute))
	b := binary.BigEndian.AppendUint64(nil, run)
	c.Write(binary.BigEndian.AppendUint32(b, checksum(b)))
	head := make([]byte, 1+2)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	why := make([]byte, int(binary.BigEndian.Uint16(head[1:]))+4)
	if _, err := io.ReadFull(c, why); err != nil {
		t.Fatal(err)
	}
	return c, string(why[:len(why)-4])
}

// A copy of a data directory took the connections of the member it was copied from,
// and nothing said so.
func TestOfTwoProcessesOfOneDirectoryTheFirstIsHeard(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		first, _ := p.process(t, 2, 11)
		go io.Copy(io.Discard, first)
		for _, stream := range []byte{1, 2, 3} {
			c, refused := p.process(t, stream, 12)
			if !strings.Contains(refused, "runs already") {
				t.Errorf("stream %d of another process is refused with %q", stream, refused)
			}
			c.Close()
		}
		first.Write(record([]byte("here")))
		p.got.wait(t, "the frame", func() bool { return len(p.got.frames) == 1 })
		if again, refused := p.process(t, 2, 11); refused != "" {
			t.Errorf("the same process is refused: %s", refused)
		} else {
			again.Close()
		}
	})
}

func TestAProcessThatFollowsAnotherIsHeardAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		first, _ := p.process(t, 2, 11)
		first.Close()
		began := time.Now()
		second, refused := p.process(t, 1, 12)
		if took := time.Since(began); refused != "" || took > 0 {
			t.Errorf("after one that ended it is heard after %v: %q", took, refused)
		}
		// Of a machine that was reset the connection ends when it is next sent something.
		go func() {
			io.ReadFull(second, make([]byte, 1))
			second.Close()
		}()
		began = time.Now()
		third, refused := p.process(t, 2, 13)
		if took := time.Since(began); refused != "" || took > 0 {
			t.Errorf("after one whose machine was reset it is heard after %v: %q", took, refused)
		}
		go io.Copy(io.Discard, third)
		time.Sleep(5 * time.Second) // without a word
		began = time.Now()
		fourth, refused := p.process(t, 1, 14)
		if took := time.Since(began); refused != "" || took > 0 {
			t.Errorf("after one that is silent it is heard after %v: %q", took, refused)
		}
		go io.Copy(io.Discard, fourth)
		if _, err := third.Write(record(nil)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the one before is heard, too: %v", err)
		}
		if _, refused = p.process(t, 2, 13); refused == "" {
			t.Error("one that comes back takes the place of who came after it")
		}
	})
}

// Members of the versions before do not say which process they are.
func TestAMemberOfAnotherVersionIsNoOtherProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		first, _ := p.process(t, 2, 11)
		go io.Copy(io.Discard, first)
		old, _ := p.comes(t, hello(2, 3, 2, 2, 1))
		old.Write(record([]byte("here")))
		p.got.wait(t, "the frame", func() bool { return len(p.got.frames) == 1 })
		go io.Copy(io.Discard, old)
		if _, refused := p.process(t, 2, 12); refused != "" {
			t.Errorf("refused: %s", refused)
		}
	})
}

func TestASecondProcessOfAMemberIsLoggedOnBothSides(t *testing.T) {
	p := start(t, nil)
	p.logs[1].wait(t, "member reached")
	p.logs[0].wait(t, "member reached")
	p.ends[0].SendFrame(2, []byte("x"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := &lines{}
	copied, err := tcp.New(tcp.Config{Number: 1, Members: p.members, Listener: l, Log: zerolog.New(out)})
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(1)
	r.credentials.Address = l.Addr().String()
	run(t, copied, r)
	for _, log := range []*lines{out, p.logs[1]} {
		log.wait(t, "member 1 runs already, on 127.0.0.1")
		log.wait(t, l.Addr().String())
	}
}
