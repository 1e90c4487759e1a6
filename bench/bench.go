// Package bench measures a queue on this machine: server, master, workers and
// a client in one process, each with a session of its own over TCP on
// loopback, the log on disk with every acknowledged write synced. Beside the
// queue's numbers it measures what the machine itself can do, in the same
// run: how fast it syncs, and how fast it starts processes.
//
// All of it is measured on a tree without tasks and, because a queue that has
// run for a while is not empty, again on one in which finished tasks have been
// retained. The master deletes those beyond its retention meanwhile, as it does
// in operation.
//
// Throughput is counted from the call that submits the tasks to the last
// recorded status. The end is read from the status znodes themselves, whose
// creation time the server stamps with the same machine's clock, so that
// watching does not slow down what is watched.
package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/local"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/worker"
	"github.com/rs/zerolog"
)

// Config says what to measure. The zero value of a field means its default.
type Config struct {
	// Tasks is how many no-op tasks to run; a fifth as many run /bin/true.
	// Default: 10,000.
	Tasks int

	// Retained is how many finished tasks there are before everything is
	// measured a second time. The masters retain as many, and by default no
	// fewer than they do in operation. Default: 10,000; negative: not measured.
	Retained int

	// Workers and Slots (of each) run them. Default: 2 and 8.
	Workers, Slots int

	// Dir takes the data; it should be on the disk that is to be measured.
	// Default: a temporary directory, which is removed.
	Dir string

	// Guard starts the process that runs commands; see worker.Config.
	Guard []string

	// Log gets what the roles say. The zero Logger is silent.
	Log zerolog.Logger
}

// retainTasks is the default of master.Config.RetainTasks.
const retainTasks = 10_000

func (c Config) withDefaults() (Config, error) {
	if c.Tasks < 0 || c.Workers < 0 || c.Slots < 0 {
		return c, fmt.Errorf("bench: %d tasks, %d workers, %d slots: none may be negative", c.Tasks, c.Workers, c.Slots)
	}
	c.Tasks = cmp.Or(c.Tasks, 10_000)
	c.Retained = cmp.Or(c.Retained, retainTasks)
	c.Workers = cmp.Or(c.Workers, 2)
	c.Slots = cmp.Or(c.Slots, 8)
	return c, nil
}

// A Report is what was measured.
type Report struct {
	Workers int `json:"workers"`
	Slots   int `json:"slots"` // of each worker

	Sync     Latency `json:"sync"`      // of one small append, by the machine itself
	ForkExec Rate    `json:"fork_exec"` // /bin/true, by the machine itself

	Figures            // on an empty tree
	Retained *Retained `json:"retained,omitempty"` // nil: not measured
}

// Figures are what a queue does.
type Figures struct {
	Idle    Latency `json:"idle"`    // submit to result of one no-op task at a time
	Busy    Latency `json:"busy"`    // the same of /bin/true, as many at a time as there are slots
	NoOp    Rate    `json:"noop"`    // tasks for a Go handler
	Command Rate    `json:"command"` // tasks that run /bin/true
}

// Retained is what a queue does with finished tasks in its tree.
type Retained struct {
	Tasks int `json:"tasks"` // that were there at the beginning
	Figures
}

// A Rate is how many of something were done, and how long that took.
type Rate struct {
	Count int
	Took  time.Duration
}

// PerSecond is the rate as a number, 0 of what was not measured.
func (r Rate) PerSecond() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Count) / r.Took.Seconds()
}

// MarshalJSON shows a rate as its count, seconds and quotient.
func (r Rate) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]float64{"count": float64(r.Count), "seconds": r.Took.Seconds(), "per_second": r.PerSecond()})
}

// A Latency is the distribution of single measurements.
type Latency struct {
	Count    int
	P50, P99 time.Duration
}

// newLatency sorts took.
func newLatency(took []time.Duration) Latency {
	if len(took) == 0 {
		return Latency{}
	}
	slices.Sort(took)
	return Latency{Count: len(took), P50: took[len(took)/2], P99: took[len(took)*99/100]}
}

// MarshalJSON shows a latency in seconds.
func (l Latency) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]float64{"count": float64(l.Count), "p50_seconds": l.P50.Seconds(), "p99_seconds": l.P99.Seconds()})
}

// noop is the handler that does nothing.
const noop = "noop"

// Queue measures. It calls step with what it is about to do.
func Queue(ctx context.Context, cfg Config, step func(string)) (Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Report{}, err
	}
	dir, err := os.MkdirTemp(cfg.Dir, "mw-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	r := Report{Workers: cfg.Workers, Slots: cfg.Slots}
	step("syncing")
	if r.Sync, err = measureSync(ctx, dir); err != nil {
		return r, err
	}
	step("starting processes")
	if r.ForkExec, err = measureForkExec(ctx); err != nil {
		return r, err
	}
	step("an empty tree")
	if r.Figures, err = measureQueue(ctx, cfg, dir, 0, step); err != nil || cfg.Retained < 0 {
		return r, err
	}
	step(fmt.Sprintf("a tree with %d finished tasks", cfg.Retained))
	r.Retained = &Retained{Tasks: cfg.Retained}
	r.Retained.Figures, err = measureQueue(ctx, cfg, dir, cfg.Retained, step)
	return r, err
}

// measureQueue measures a new queue in which that many tasks have ended before.
func measureQueue(ctx context.Context, cfg Config, dir string, ended int, step func(string)) (Figures, error) {
	var f Figures
	command := coordinator.Spec{Argv: []string{"/bin/true"}}
	dir, err := os.MkdirTemp(dir, "queue-")
	if err != nil {
		return f, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	err = withQueue(ctx, cfg, dir, max(cfg.Retained, retainTasks), func(ctx context.Context, c *submit.Client, s *coordinator.Session) (err error) {
		if ended > 0 {
			step(fmt.Sprintf("running %d tasks to be retained", ended))
			if _, err = measureTasks(ctx, c, s, coordinator.Spec{Handler: noop}, ended); err != nil {
				return err
			}
		}
		step("submitting tasks one by one")
		if f.Idle, err = measureLatency(ctx, c, coordinator.Spec{Handler: noop}, min(idleTasks, cfg.Tasks), 1); err != nil {
			return err
		}
		slots := cfg.Workers * cfg.Slots
		step(fmt.Sprintf("submitting commands, %d at a time", slots))
		if f.Busy, err = measureLatency(ctx, c, command, max(1, cfg.Tasks/10), slots); err != nil {
			return err
		}
		commands := max(1, cfg.Tasks/5)
		step(fmt.Sprintf("running %d commands", commands))
		if f.Command, err = measureTasks(ctx, c, s, command, commands); err != nil {
			return err
		}
		step(fmt.Sprintf("running %d no-op tasks", cfg.Tasks)) // last: they fill the tree
		f.NoOp, err = measureTasks(ctx, c, s, coordinator.Spec{Handler: noop}, cfg.Tasks)
		return err
	})
	return f, err
}

// withQueue calls measure while a queue runs in dir that retains that many tasks.
func withQueue(ctx context.Context, cfg Config, dir string, retain int, measure func(context.Context, *submit.Client, *coordinator.Session) error) error {
	q, err := local.Open(local.Config{
		Dir: dir, Workers: cfg.Workers, Slots: cfg.Slots,
		Handlers: map[string]worker.Handler{
			noop: func(context.Context, worker.Task) ([]byte, error) { return nil, nil },
		},
		Guard:       cfg.Guard,
		RetainTasks: retain,
		Log:         cfg.Log,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, 1)
	go func() { // ends with ctx, which also ends when this fails
		err := q.Run(ctx)
		stop(err)
		ended <- err
	}()
	err = measureWith(ctx, q.Coordinator(), measure)
	stop(nil)
	if failed := <-ended; failed != nil && !errors.Is(failed, context.Canceled) {
		return failed
	}
	return err
}

// measureWith calls measure with a client and a session.
func measureWith(ctx context.Context, cfg coordinator.Config, measure func(context.Context, *submit.Client, *coordinator.Session) error) error {
	c, err := submit.Open(submit.Config{Coordinator: cfg})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	return measure(ctx, c, s)
}
