package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// measureSync appends a small block to a file and syncs it, many times, which
// is what the server must do at least once for each group of writes.
func measureSync(ctx context.Context, dir string) (Latency, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return Latency{}, fmt.Errorf("bench: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	var took []time.Duration
	for range 100 {
		if ctx.Err() != nil {
			return Latency{}, context.Cause(ctx)
		}
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return Latency{}, fmt.Errorf("bench: %w", err)
		}
		if err := f.Sync(); err != nil {
			return Latency{}, fmt.Errorf("bench: %w", err)
		}
		took = append(took, time.Since(start))
	}
	return newLatency(took), nil
}

// measureForkExec starts /bin/true for two seconds, twice as many at once as
// there are CPUs, with no queue around it.
func measureForkExec(ctx context.Context) (Rate, error) {
	const long = 2 * time.Second
	start := time.Now()
	var (
		wg     sync.WaitGroup
		count  atomic.Int64
		failed atomic.Pointer[error]
	)
	for range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Since(start) < long && ctx.Err() == nil && failed.Load() == nil {
				if err := exec.CommandContext(ctx, "/bin/true").Run(); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return Rate{}, context.Cause(ctx)
	}
	if err := failed.Load(); err != nil {
		return Rate{}, fmt.Errorf("bench: run /bin/true: %w", *err)
	}
	return Rate{Count: int(count.Load()), Took: time.Since(start)}, nil
}
