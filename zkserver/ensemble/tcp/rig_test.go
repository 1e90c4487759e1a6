package tcp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
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
	part     ensemble.Part
	broken   error
	failWith error
	gone     []int
	reached  []int
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
func (r *receiver) ReceiveReached(from int) {
	r.note(func() { r.reached = append(r.reached, from) })
}
func (r *receiver) ReceiveSnapshot(from ensemble.Credentials, in io.Reader) error {
	b, err := io.ReadAll(in)
	r.note(func() { r.snapshot, r.broken = b, err })
	if err != nil {
		return err
	}
	return r.failWith
}
func (r *receiver) Part(ensemble.Credentials) ensemble.Part { return r.part }
func (r *receiver) Credentials() ensemble.Credentials       { return r.credentials }

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

// sends gives a snapshot to be sent, whatever the other member has.
func sends(r io.Reader) func(ensemble.Part) (io.ReadCloser, error) {
	return func(ensemble.Part) (io.ReadCloser, error) { return io.NopCloser(r), nil }
}

// run runs a transport until the test ends.
func run(t *testing.T, tr *tcp.Transport, r *receiver) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() {
		if err := tr.Run(ctx, r); err != nil {
			t.Error(err)
		}
	})
}
