package tcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// Config says how a member reaches the others. The zero value of a field means
// its default.
type Config struct {
	// Number is that of this member.
	Number int

	// Members are all members; this one may be among them.
	Members []ensemble.Member

	// Listener takes the connections of the others. Run closes it.
	Listener net.Listener

	// Dial makes a connection to another member. Default: TCP to its address.
	Dial func(ctx context.Context, to ensemble.Member) (net.Conn, error)

	// Check is called for each connection, on both ends, with the number of
	// the member at the other one, before anything else is said about it. An
	// error closes it, and is told to who dialed. Default: all are good.
	Check func(member int, c net.Conn) error

	// SnapshotRate limits the bytes per second of each snapshot sent.
	// Default: 64 MiB.
	SnapshotRate int

	// Log gets a line when a member is reached, lost, or refused.
	Log zerolog.Logger
}

const (
	queueBytes   = 64 << 20 // for one stream of a member
	handshakeFor = 5 * time.Second
	writeFor     = 10 * time.Second
	redialFirst  = 2 * time.Millisecond // after a connection that was good
	redialMin    = 20 * time.Millisecond
	redialMax    = time.Second
	keepAlive    = 5 * time.Second
)

// Transport is an [ensemble.Transport].
type Transport struct {
	cfg     Config
	members []*member

	refusals refusals

	self    ensemble.Receiver // set when running is closed
	running chan struct{}
}

var _ ensemble.Transport = (*Transport)(nil)

// A member is another one.
type member struct {
	ensemble.Member
	raft, frames *queue
}

// New makes a transport. It does nothing before Run.
func New(cfg Config) (*Transport, error) {
	if cfg.Listener == nil {
		return nil, errors.New("tcp: no listener")
	}
	if cfg.Dial == nil {
		cfg.Dial = Dial
	}
	if cfg.Check == nil {
		cfg.Check = func(int, net.Conn) error { return nil }
	}
	cfg.SnapshotRate = cmp.Or(cfg.SnapshotRate, 64<<20)
	t := &Transport{cfg: cfg, running: make(chan struct{})}
	for _, m := range cfg.Members {
		if m.Number == cfg.Number {
			continue
		}
		if t.member(m.Number) != nil {
			return nil, fmt.Errorf("tcp: member %d is there twice", m.Number)
		}
		t.members = append(t.members, &member{Member: m, raft: newQueue(), frames: newQueue()})
	}
	return t, nil
}

// Dial makes a TCP connection to another member. It is the default of
// Config.Dial.
func Dial(ctx context.Context, to ensemble.Member) (net.Conn, error) {
	d := &net.Dialer{Timeout: handshakeFor, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive, Count: 3}}
	return d.DialContext(ctx, "tcp", to.Address)
}

func (t *Transport) member(number int) *member {
	i := slices.IndexFunc(t.members, func(m *member) bool { return m.Number == number })
	if i < 0 {
		return nil
	}
	return t.members[i]
}

// Run implements ensemble.Transport. It may be called once. Its error is that
// of the listener.
func (t *Transport) Run(ctx context.Context, r ensemble.Receiver) error {
	t.self = r
	close(t.running)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.accept(ctx, r) })
	for _, m := range t.members {
		g.Go(func() error { return t.send(ctx, r, m, streamRaft, m.raft) })
		g.Go(func() error { return t.send(ctx, r, m, streamFrames, m.frames) })
	}
	return g.Wait()
}

// SendRaft implements ensemble.Transport.
func (t *Transport) SendRaft(to int, m *pb.Message) {
	if other := t.member(to); other != nil {
		n := 64
		for _, e := range m.GetEntries() {
			n += len(e.GetData()) + 24
		}
		other.raft.put(outgoing{message: m, size: n})
	}
}

// SendFrame implements ensemble.Transport.
func (t *Transport) SendFrame(to int, frame []byte) {
	if other := t.member(to); other != nil {
		other.frames.put(outgoing{frame: frame, size: 64 + len(frame)})
	}
}
