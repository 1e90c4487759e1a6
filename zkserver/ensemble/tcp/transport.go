package tcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
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

	// Check is called for each connection, on both ends, with the member at
	// the other one, before anything else is said about it. An
	// error closes it, and is told to who dialed. Default: all are good.
	// The address is that where the ensemble has the member or, if it has none
	// of that number, where it says it is.
	Check func(m ensemble.Member, c net.Conn) error

	// SnapshotRate limits the bytes per second of each snapshot sent.
	// Default: 64 MiB.
	SnapshotRate int

	// Log gets a line when a member is reached, lost, or refused.
	Log zerolog.Logger
}

const (
	queueBytes   = 64 << 20         // for one stream of a member
	dialFor      = 10 * time.Second // name, connection and TLS
	handshakeFor = 5 * time.Second
	writeFor     = 10 * time.Second
	redialFirst  = 2 * time.Millisecond // after a connection that was good
	redialMin    = 20 * time.Millisecond
	redialMax    = time.Second
	keepAlive    = 5 * time.Second
)

// Transport is an [ensemble.Transport].
type Transport struct {
	cfg Config
	run uint64 // random number of this process

	refusals refusals

	self    ensemble.Receiver // set when running is closed
	running chan struct{}
	streams *accepted
	gate    *gate
	review  chan struct{} // has a token when the members have changed

	senders sync.WaitGroup
	mu      sync.RWMutex // protects the fields below
	ctx     context.Context
	members map[int]*member
	cluster uint64 // that was told to the others
}

var _ ensemble.Transport = (*Transport)(nil)

// A member is another one. Its queues end with it.
type member struct {
	ensemble.Member
	raft, frames *queue
	stop         context.CancelFunc // nil before Run
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
		cfg.Check = func(ensemble.Member, net.Conn) error { return nil }
	}
	cfg.SnapshotRate = cmp.Or(cfg.SnapshotRate, 64<<20)
	t := &Transport{
		cfg: cfg, run: rand.Uint64(), running: make(chan struct{}), members: make(map[int]*member), review: make(chan struct{}, 1),
		streams: &accepted{}, gate: newGate(),
	}
	for _, m := range cfg.Members {
		if m.Number == cfg.Number {
			continue
		}
		if t.member(m.Number) != nil {
			return nil, fmt.Errorf("tcp: member %d is there twice", m.Number)
		}
		t.members[m.Number] = newMember(m)
	}
	return t, nil
}

// Dial makes a TCP connection to another member. It is the default of
// Config.Dial.
func Dial(ctx context.Context, to ensemble.Member) (net.Conn, error) {
	d := &net.Dialer{Timeout: handshakeFor, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive, Count: 3}}
	return d.DialContext(ctx, "tcp", to.Address)
}

func newMember(m ensemble.Member) *member {
	return &member{Member: m, raft: newQueue(), frames: newQueue()}
}

func (t *Transport) member(number int) *member {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.members[number]
}

// Run implements ensemble.Transport. It may be called once. Its error is that
// of the listener.
func (t *Transport) Run(ctx context.Context, r ensemble.Receiver) error {
	t.begin(ctx, r)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.accept(ctx, r) })
	g.Go(func() error { return t.judgeAgain(ctx, r) })
	err := g.Wait()
	t.end()
	return err
}

// begin starts to send to the members that are known.
func (t *Transport) begin(ctx context.Context, r ensemble.Receiver) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.self, t.ctx, t.cluster = r, ctx, r.Credentials().Cluster
	close(t.running)
	for _, m := range t.members {
		t.startLocked(m)
	}
}

// end stops all that sends, and waits for it.
func (t *Transport) end() {
	t.mu.Lock()
	for _, m := range t.members {
		m.stop()
	}
	t.ctx = nil // nobody is started any more
	t.mu.Unlock()
	t.senders.Wait()
}

func (t *Transport) startLocked(m *member) {
	var ctx context.Context
	ctx, m.stop = context.WithCancel(t.ctx)
	t.senders.Go(func() { t.send(ctx, t.self, m, streamRaft, m.raft) })
	t.senders.Go(func() { t.send(ctx, t.self, m, streamFrames, m.frames) })
}

// SetMembers implements ensemble.Transport.
func (t *Transport) SetMembers(others []ensemble.Member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	members, renew := make(map[int]*member), false
	if t.self != nil {
		cluster := t.self.Credentials().Cluster
		renew, t.cluster = cluster != t.cluster, cluster
	}
	for _, m := range others {
		if old := t.members[m.Number]; !renew && old != nil && old.Address == m.Address {
			members[m.Number] = old
		} else {
			members[m.Number] = newMember(m)
		}
	}
	for number, old := range t.members {
		if members[number] != old && old.stop != nil {
			old.stop()
		}
	}
	was := t.members
	t.members = members
	if t.ctx != nil {
		for number, m := range members {
			if was[number] != m {
				t.startLocked(m)
			}
		}
	}
	select {
	case t.review <- struct{}{}:
	default:
	}
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
