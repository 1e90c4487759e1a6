package ensemble_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// A machine remembers every command it was given, in order. Its snapshot is
// that list.
type machine struct {
	mu      sync.Mutex
	applied []string
	batches []ensemble.Batch // without commands
	changed chan struct{}    // closed and replaced at each Apply

	restores int
	forget   bool // all commands but the last one
}

func newMachine() *machine { return &machine{changed: make(chan struct{})} }

func (m *machine) Apply(b ensemble.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range b.Commands {
		m.applied = append(m.applied, string(c.Data))
	}
	if n := len(m.applied); m.forget && n > 1 {
		m.applied = m.applied[n-1:]
	}
	b.Commands = nil
	m.batches = append(m.batches, b)
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *machine) Capture() io.WriterTo {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b []byte
	for _, s := range m.applied {
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
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = nil
	m.restores++
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		m.applied = append(m.applied, string(b[4:4+n]))
		b = b[4+n:]
	}
	return nil
}

func (m *machine) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied[:len(m.applied):len(m.applied)]
}

// wait blocks until n commands were applied.
func (m *machine) wait(ctx context.Context, n int) error {
	return m.waitUntil(ctx, func(applied []string) bool { return len(applied) >= n })
}

// waitFor blocks until a command was applied.
func (m *machine) waitFor(ctx context.Context, command string) error {
	return m.waitUntil(ctx, func(applied []string) bool { return slices.Contains(applied, command) })
}

func (m *machine) waitUntil(ctx context.Context, done func(applied []string) bool) error {
	for {
		m.mu.Lock()
		ok, changed := done(m.applied), m.changed
		m.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// start opens a node and runs it until the test ends or stop is called.
func start(t testing.TB, cfg ensemble.Config) (n *ensemble.Node, m *machine, stop func() error) {
	t.Helper()
	m = newMachine()
	cfg.Machine = m
	n, err := ensemble.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		return errors.Join(err, n.Close())
	})
	t.Cleanup(func() { stop() })
	return n, m, stop
}
