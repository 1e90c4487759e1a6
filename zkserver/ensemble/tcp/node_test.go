package tcp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A machine remembers every command, in order.
type machine struct {
	mu      sync.Mutex
	applied []string
	changed chan struct{} // closed and replaced at each change
	loads   int
}

func newMachine() *machine { return &machine{changed: make(chan struct{})} }

func (m *machine) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *machine) Apply(b ensemble.Batch) {
	m.change(func() {
		for _, c := range b.Commands {
			m.applied = append(m.applied, string(c.Data))
		}
	})
}

func (m *machine) Capture() io.WriterTo {
	var b []byte
	for _, s := range m.list() {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return bytes.NewReader(b)
}

func (m *machine) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m.change(func() {
		m.applied = nil
		m.loads++
		for len(b) > 0 {
			n := binary.BigEndian.Uint32(b)
			m.applied = append(m.applied, string(b[4:4+n]))
			b = b[4+n:]
		}
	})
	return nil
}

func (m *machine) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.applied)
}

func (m *machine) loaded() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loads
}

// wait blocks until done is true of what is applied.
func (m *machine) wait(t *testing.T, what string, done func(applied []string) bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		m.mu.Lock()
		ok, changed := done(m.applied), m.changed
		m.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited for %s in vain: %d commands", what, len(m.list()))
		}
	}
}

// A process is one member in one life.
type process struct {
	node    *ensemble.Node
	machine *machine
	stop    func()
	log     *lines
}

// A cluster is some members on their own disks, reachable at fixed addresses.
type cluster struct {
	t       *testing.T
	members []ensemble.Member
	disks   []*waltest.Disk
	running []*process
	largest int64    // command; 0 for the default
	net     *network // in a bubble; nil for that of the machine
}

// newClusterOn is for a bubble.
func newClusterOn(t *testing.T, n int, w *network) *cluster {
	c := &cluster{t: t, running: make([]*process, n), net: w}
	for i := range n {
		c.members = append(c.members, ensemble.Member{Number: i + 1, Address: fmt.Sprintf("zk%d:2888", i+1)})
		c.disks = append(c.disks, waltest.New(uint64(i)))
	}
	return c
}

func newCluster(t *testing.T, n int) *cluster {
	c := &cluster{t: t, running: make([]*process, n)}
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.members = append(c.members, ensemble.Member{Number: i + 1, Address: l.Addr().String()})
		c.disks = append(c.disks, waltest.New(uint64(i)))
		l.Close() // taken again at once
	}
	return c
}

// start runs a member until kill or the end of the test.
func (c *cluster) start(i int) *process {
	c.t.Helper()
	p := &process{machine: newMachine(), log: &lines{}}
	log := zerolog.New(p.log)
	cfg := tcp.Config{Number: i + 1, Members: c.members, Log: log}
	if err := c.listen(i, &cfg); err != nil {
		c.t.Fatal(err)
	}
	tr, err := tcp.New(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	p.node, err = ensemble.Open(ensemble.Config{
		Dir: "/data", FS: c.disks[i], Machine: p.machine, Members: c.members, Number: i + 1, Transport: tr, Log: log,
		SegmentBytes: 64 << 10, SnapshotEntries: 50, MaxCommandBytes: c.largest,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.node.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			c.t.Errorf("member %d: %v", i+1, err)
		}
		if err := p.node.Close(); err != nil {
			c.t.Errorf("member %d: %v", i+1, err)
		}
	})
	c.t.Cleanup(p.stop)
	c.running[i] = p
	return p
}

func (c *cluster) listen(i int, cfg *tcp.Config) (err error) {
	if c.net == nil {
		cfg.Listener, err = net.Listen("tcp", c.members[i].Address)
		return err
	}
	cfg.Listener = c.net.listeners[i]
	cfg.Dial = func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
		return c.net.dial(ctx, i, to.Number-1)
	}
	return c.net.listeners[i].Reopen()
}

// kill ends a member as a power cut does.
func (c *cluster) kill(i int) {
	c.running[i].stop()
	c.disks[i] = c.disks[i].PowerCut()
	c.running[i] = nil
}

// leader is the member whose log said last that it leads.
func (c *cluster) leader() int {
	best, term := -1, uint64(0)
	for i, p := range c.running {
		if p == nil {
			continue
		}
		if s := p.node.Status(); s.Leading && s.Term >= term {
			best, term = i, s.Term
		}
	}
	return best
}

func (c *cluster) propose(i int, command string) {
	c.t.Helper()
	if err := c.running[i].node.Propose(c.t.Context(), 1, []byte(command)); err != nil {
		c.t.Fatal(err)
	}
	c.running[i].machine.wait(c.t, command, func(applied []string) bool {
		return len(applied) > 0 && slices.Contains(applied, command)
	})
}

// alike waits until all members have the same and it is as long as want.
func (c *cluster) alike(want int) {
	c.t.Helper()
	var first []string
	for i, p := range c.running {
		if p == nil {
			continue
		}
		p.machine.wait(c.t, fmt.Sprintf("member %d to have all", i+1), func(applied []string) bool { return len(applied) >= want })
		got := p.machine.list()
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			c.t.Errorf("member %d has other commands than the first: %d and %d", i+1, len(got), len(first))
		}
	}
}

func TestThreeMembersOverTCP(t *testing.T) {
	c := newCluster(t, 3)
	for i := range 3 {
		c.start(i)
	}
	count := 0
	all := func(round string) {
		for i, p := range c.running {
			if p != nil {
				c.propose(i, fmt.Sprintf("%s by member %d", round, i+1))
				count++
			}
		}
	}
	for i := range 3 {
		<-c.running[i].node.Ready()
	}
	all("first")
	c.alike(count)

	// A follower reads what the others have written.
	c.propose(0, "seen by all")
	count++
	for i, p := range c.running {
		if err := p.node.ReadIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(p.machine.list(), "seen by all") {
			t.Errorf("member %d does not see what was acknowledged before it asked", i+1)
		}
	}

	// The leader dies: the others go on, and it comes back far behind.
	dead := c.leader()
	if dead < 0 {
		t.Fatal("nobody leads")
	}
	c.kill(dead)
	start := time.Now()
	all("after a death")
	t.Logf("two commands after %v without the leader", time.Since(start))
	for i := range 200 {
		c.propose((dead+1)%3, fmt.Sprintf("while it is away %d", i))
		count++
	}
	back := c.start(dead)
	c.alike(count)
	if back.machine.loads == 0 {
		t.Error("who was far behind was not given a snapshot")
	}
	all("at last")
	c.alike(count)
}
