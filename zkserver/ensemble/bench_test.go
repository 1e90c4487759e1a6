package ensemble_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// A counter is a machine that only answers who waits.
type counter struct {
	origin  uint64
	waiting [1024]chan struct{}
}

func (c *counter) Apply(b ensemble.Batch) {
	for _, cmd := range b.Commands {
		if cmd.Origin == c.origin {
			c.waiting[cmd.Seq] <- struct{}{}
		}
	}
}

func (c *counter) Capture() io.WriterTo      { return nothing{} }
func (c *counter) Restore(r io.Reader) error { return nil }

type nothing struct{}

func (nothing) WriteTo(w io.Writer) (int64, error) { return 0, nil }

// BenchmarkPropose shows how many commands of 150 bytes are made durable and
// applied, for a number of proposers that each wait for their last one.
func BenchmarkPropose(b *testing.B) {
	for _, proposers := range []int{1, 8, 64, 1024} {
		b.Run(fmt.Sprint(proposers), func(b *testing.B) {
			c := &counter{}
			n, err := ensemble.Open(ensemble.Config{Dir: b.TempDir(), Machine: c})
			if err != nil {
				b.Fatal(err)
			}
			c.origin = n.Origin()
			for i := range c.waiting {
				c.waiting[i] = make(chan struct{}, 1)
			}
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			wg.Go(func() { n.Run(ctx) })
			defer n.Close()
			defer wg.Wait()
			defer cancel()
			<-n.Ready()

			data := make([]byte, 150)
			var left atomic.Int64
			left.Store(int64(b.N))
			start := time.Now()
			b.ResetTimer()
			var load sync.WaitGroup
			for p := range proposers {
				load.Go(func() {
					for left.Add(-1) >= 0 {
						if err := n.Propose(ctx, uint64(p), data); err != nil {
							b.Error(err)
							return
						}
						<-c.waiting[p]
					}
				})
			}
			load.Wait()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "commands/s")
		})
	}
}
