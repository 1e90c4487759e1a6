package tcp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.uber.org/goleak"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A receiver remembers what came.
type receiver struct {
	credentials ensemble.Credentials
	refuse      error

	mu       sync.Mutex
	frames   []string
	messages []*pb.Message
	snapshot []byte
	broken   error
	failWith error
	gone     []int
	removed  []int
	changed  chan struct{}
}

func newReceiver(number int) *receiver {
	return &receiver{credentials: ensemble.Credentials{Number: number, Cluster: 7, Directory: uint64(number)}, changed: make(chan struct{}, 1)}
}

func (r *receiver) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *receiver) ReceiveRaft(from ensemble.Credentials, m *pb.Message) {
	r.note(func() { r.messages = append(r.messages, m) })
}
func (r *receiver) ReceiveFrame(from ensemble.Credentials, frame []byte) {
	r.note(func() { r.frames = append(r.frames, fmt.Sprintf("%d: %s", from.Number, frame)) })
}
func (r *receiver) ReceiveRemoved(from int, why string) {
	r.note(func() { r.removed = append(r.removed, from) })
}
func (r *receiver) ReceiveGone(from int) { r.note(func() { r.gone = append(r.gone, from) }) }
func (r *receiver) ReceiveSnapshot(from ensemble.Credentials, in io.Reader) error {
	b, err := io.ReadAll(in)
	r.note(func() { r.snapshot, r.broken = b, err })
	if err != nil {
		return err
	}
	return r.failWith
}
func (r *receiver) Credentials() ensemble.Credentials { return r.credentials }

// Judge refuses all, or those that were removed.
func (r *receiver) Judge(c ensemble.Credentials) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refuse
}
func (r *receiver) Admit(c ensemble.Credentials) (func(), error) { return func() {}, r.Judge(c) }

// wait blocks until done, which is called with the lock held, is true.
func (r *receiver) wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		r.mu.Lock()
		ok := done()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.changed:
		case <-deadline:
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// lines is a log that can be waited for.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) wait(t *testing.T, text string) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		l.mu.Lock()
		got := l.all.String()
		l.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q: %s", text, got)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// A pair is two members and their transports.
type pair struct {
	members []ensemble.Member
	ends    []*tcp.Transport
	got     []*receiver
	logs    []*lines
}

// start runs the transports of two members until the test ends.
func start(t *testing.T, change func(number int, c *tcp.Config, r *receiver)) *pair {
	t.Helper()
	p := &pair{}
	var listeners []net.Listener
	for i := range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		p.members = append(p.members, ensemble.Member{Number: i + 1, Address: l.Addr().String()})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	for i, l := range listeners {
		out, r := &lines{}, newReceiver(i+1)
		cfg := tcp.Config{Number: i + 1, Members: slices.Clone(p.members), Listener: l, Log: zerolog.New(out)}
		if change != nil {
			change(i+1, &cfg, r)
		}
		tr, err := tcp.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p.ends, p.got, p.logs = append(p.ends, tr), append(p.got, r), append(p.logs, out)
		wg.Go(func() {
			if err := tr.Run(ctx, r); err != nil {
				t.Error(err)
			}
		})
	}
	return p
}

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

func TestSnapshotArrivesWholeOrNotAtAll(t *testing.T) {
	p := start(t, func(_ int, c *tcp.Config, _ *receiver) { c.SnapshotRate = 1 << 40 })
	data := make([]byte, 3<<20+17)
	rand.Read(data)
	if err := p.ends[0].SendSnapshot(t.Context(), 2, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.got[1].snapshot, data) {
		t.Error("another snapshot came")
	}
	cut := io.MultiReader(bytes.NewReader(data[:1<<20]), failing{})
	if err := p.ends[0].SendSnapshot(t.Context(), 2, cut); err == nil {
		t.Error("half a snapshot was sent")
	}
	r := p.got[1]
	r.wait(t, "the end of half a snapshot", func() bool { return r.broken != nil })
	r.failWith = errors.New("no room for it")
	if err := p.ends[0].SendSnapshot(t.Context(), 2, bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "no room for it") {
		t.Errorf("error is %v", err)
	}
	if err := p.ends[0].SendSnapshot(t.Context(), 9, bytes.NewReader(data)); err == nil {
		t.Error("sent to nobody")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk") }

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
			if err := p.ends[0].SendSnapshot(t.Context(), 2, strings.NewReader("x")); err == nil {
				t.Error("a snapshot was taken")
			}
			if len(p.got[1].frames) > 0 {
				t.Error("a frame was taken")
			}
		})
	}
}

// hello is what a member says first.
func hello(low, high, stream byte, from, to int) []byte {
	b := append([]byte("mwpeer\r\n"), low, high, stream)
	b = binary.BigEndian.AppendUint32(b, uint32(from))
	b = binary.BigEndian.AppendUint32(b, uint32(to))
	b = binary.BigEndian.AppendUint64(b, 7)
	b = binary.BigEndian.AppendUint64(b, 1)
	b = append(b, make([]byte, 8+8+2)...)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func TestOtherVersionsAreRefusedByWhatAllHaveInCommon(t *testing.T) {
	p := start(t, nil)
	for want, say := range map[string][]byte{
		"speaks versions 3 to 9": hello(3, 9, 1, 1, 2),
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

// arrives sends messages to the second member until one comes.
func arrives(t *testing.T, p *pair) {
	t.Helper()
	stop := time.After(2 * time.Minute)
	for {
		p.ends[0].SendRaft(2, &pb.Message{Type: pb.MsgHeartbeat.Enum()})
		select {
		case <-p.got[1].changed:
			return
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

func TestConfigIsChecked(t *testing.T) {
	if _, err := tcp.New(tcp.Config{}); err == nil {
		t.Error("no listener was accepted")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	twice := []ensemble.Member{{Number: 2}, {Number: 2}}
	if _, err := tcp.New(tcp.Config{Listener: l, Number: 1, Members: twice}); err == nil {
		t.Error("a member was accepted twice")
	}
}
