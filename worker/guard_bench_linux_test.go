package worker

import (
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
)

// The rate of /bin/true through the guard, beside the machine's own with
// os/exec: as many at once as there are slots.
func BenchmarkCommands(b *testing.B) {
	const slots = 8
	b.Run("guard", func(b *testing.B) {
		c := newTestGuard(b)
		req := script(b, "")
		req.Path, req.Argv = "/bin/true", []string{"true"}
		benchmark(b, slots, func() error {
			cmd, err := c.start(b.Context(), req)
			if err == nil {
				<-cmd.ended
			}
			return err
		})
	})
	b.Run("exec", func(b *testing.B) {
		benchmark(b, slots, func() error { return exec.Command("/bin/true").Run() })
	})
	b.Run("execOutput", func(b *testing.B) {
		benchmark(b, slots, func() error {
			_, err := exec.Command("/bin/true").Output()
			return err
		})
	})
}

// benchmark makes b.N calls, n of them at once.
func benchmark(b *testing.B, n int, call func() error) {
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	var made atomic.Int64
	for range n {
		wg.Go(func() {
			for made.Add(1) <= int64(b.N) {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}
