package tcp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

func TestWhatIsSentArrivesInOrder(t *testing.T) {
	p := start(t, nil)
	p.logs[0].wait(t, "member reached")
	var want []string
	for i := range 100 {
		p.ends[0].SendFrame(2, fmt.Appendf(nil, "frame %d", i))
		want = append(want, fmt.Sprintf("1: frame %d", i))
		data := make([]byte, i*1000)
		p.ends[0].SendRaft(2, &pb.Message{Type: pb.MsgApp.Enum(), Index: new(uint64(i)), Entries: []*pb.Entry{{Index: new(uint64(i + 1)), Data: data}}})
	}
	r := p.got[1]
	// Frames have a connection of their own, which may have come later: the
	// first ones may have been dropped.
	r.wait(t, "the last frame", func() bool {
		return len(r.frames) > 0 && r.frames[len(r.frames)-1] == want[99] && len(r.messages) > 0 && r.messages[len(r.messages)-1].GetIndex() == 99
	})
	if n := len(r.frames); !slices.Equal(r.frames, want[100-n:]) {
		t.Errorf("frames: %q", r.frames)
	}
	for i, m := range r.messages {
		if want := uint64(100 - len(r.messages) + i); m.GetIndex() != want || len(m.GetEntries()[0].GetData()) != int(want)*1000 {
			t.Errorf("message %d has index %d", i, m.GetIndex())
		}
	}
}

func TestMemberThatComesBackIsReachedAgain(t *testing.T) {
	p := start(t, func(number int, c *tcp.Config, _ *receiver) {
		if number == 1 {
			dial, n := (&net.Dialer{}).DialContext, 0
			var mu sync.Mutex
			c.Dial = func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				if n++; n < 6 {
					return nil, errors.New("no route")
				}
				return dial(ctx, "tcp", to.Address)
			}
		}
	})
	p.logs[0].wait(t, "no route")
	p.logs[0].wait(t, "member reached")
	arrives(t, p)
}

// arrives sends messages to the second member until one more comes.
func arrives(t *testing.T, p *pair) {
	t.Helper()
	r := p.got[1]
	came := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.messages)
	}
	stop := time.After(2 * time.Minute)
	for before := came(); came() == before; {
		p.ends[0].SendRaft(2, &pb.Message{Type: pb.MsgHeartbeat.Enum()})
		select {
		case <-r.changed:
		case <-time.After(10 * time.Millisecond):
		case <-stop:
			t.Fatal("nothing came")
		}
	}
}

// A member that was reached is gone, once, when its machine refuses connections,
// and again after it was reached again.
func TestMemberWhoseMachineRefusesConnectionsIsGone(t *testing.T) {
	var mu sync.Mutex // protects the two
	var conns []net.Conn
	refuse := false
	p := start(t, func(number int, c *tcp.Config, _ *receiver) {
		if number == 2 {
			return
		}
		c.Dial = func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if refuse {
				return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", to.Address)
			conns = append(conns, nc)
			return nc, err
		}
	})
	p.logs[0].wait(t, "member reached")
	r := p.got[0]
	for times := 1; times <= 2; times++ {
		mu.Lock()
		refuse = true
		for _, nc := range conns {
			nc.Close()
		}
		mu.Unlock()
		r.wait(t, "the news", func() bool { return len(r.gone) >= times })
		mu.Lock()
		refuse, conns = false, nil
		mu.Unlock()
		arrives(t, p)
	}
	if !slices.Equal(r.gone, []int{2, 2}) {
		t.Errorf("gone: %v, want member 2 twice", r.gone)
	}
}
