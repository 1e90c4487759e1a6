package worker

import (
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The rate of /bin/true through the guard, beside the machine's own with
// os/exec: as many at once as there are slots.
//
// The CPU time a command costs, of every process that had to do with it, tells
// more than the rate on a machine that has other things to do.
func BenchmarkCommands(b *testing.B) {
	const slots = 8
	b.Run("guard", func(b *testing.B) {
		c := newTestLauncher(b)
		req := script(b, "")
		req.Path, req.Argv = "/bin/true", []string{"true"}
		benchmark(b, slots, func() error {
			cmd, err := c.start(b.Context(), req)
			if err == nil {
				<-cmd.ended
			}
			return err
		}, c.close)
	})
	b.Run("exec", func(b *testing.B) {
		benchmark(b, slots, func() error { return exec.Command("/bin/true").Run() }, func() {})
	})
	b.Run("execOutput", func(b *testing.B) {
		benchmark(b, slots, func() error {
			_, err := exec.Command("/bin/true").Output()
			return err
		}, func() {})
	})
}

// benchmark makes b.N calls, n of them at once. After end all processes have
// been waited for.
func benchmark(b *testing.B, n int, call func() error, end func()) {
	b.ReportAllocs()
	before := cpuTime()
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
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	end()
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime is what this process and those it has waited for have taken.
func cpuTime() time.Duration {
	var sum int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		_ = syscall.Getrusage(who, &u)
		sum += u.Utime.Nano() + u.Stime.Nano()
	}
	return time.Duration(sum)
}
