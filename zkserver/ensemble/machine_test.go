package ensemble_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

	origin uint64
	notify func(seq uint64) // called for each command of origin
}

func newMachine() *machine { return &machine{changed: make(chan struct{})} }

func (m *machine) Apply(b ensemble.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range b.Commands {
		m.applied = append(m.applied, string(c.Data))
		if m.notify != nil {
			m.notify(c.Seq)
		}
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
	for {
		m.mu.Lock()
		have, changed := len(m.applied), m.changed
		m.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d commands applied: %w", have, n, context.Cause(ctx))
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
	m.origin = n.Origin()
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
