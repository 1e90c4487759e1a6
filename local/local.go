// Package local runs a whole queue in one process: a coordination server,
// masters and workers. They meet over TCP on loopback as they would on
// different machines, each with a session of its own, and the server keeps
// its log on disk.
//
//	q, err := local.Open(local.Config{Dir: dir, Workers: 3})
//	go q.Run(ctx)
//	c, err := submit.Open(submit.Config{Coordinator: q.Coordinator()})
//
// It is what "mw dev" and "mw bench queue" run, and it serves for trying
// handlers out. What it does not show is what happens when one of several
// processes dies.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/master"
	"github.com/mwqueue/mw/worker"
	"github.com/mwqueue/mw/zkserver"
	"github.com/rs/zerolog"
)

// Config says what to run. The zero value of a field means its default.
type Config struct {
	// Dir keeps the server's log and the workers' output. Required.
	Dir string

	// Listen is the server's address. Default: 127.0.0.1:0, a free port.
	Listen string

	// Masters, Workers and Slots (of each worker) say how many to run.
	// Default: 1 each, and as many slots as worker.Config has.
	Masters, Workers, Slots int

	// Handlers and Guard are given to each worker; see worker.Config.
	Handlers map[string]worker.Handler
	Guard    []string

	// RetainTasks is given to each master; see master.Config.
	RetainTasks int

	// SessionTimeout is what each role asks for. Default: coordinator.Config's.
	SessionTimeout time.Duration

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("local: Config.Dir is empty")
	}
	if c.Masters < 0 || c.Workers < 0 || c.Slots < 0 {
		return c, fmt.Errorf("local: %d masters, %d workers, %d slots: none may be negative", c.Masters, c.Workers, c.Slots)
	}
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	c.Masters = cmp.Or(c.Masters, 1)
	c.Workers = cmp.Or(c.Workers, 1)
	return c, nil
}

// A Queue is a server, masters and workers that have their directories and
// ports and wait for Run.
type Queue struct {
	cfg     Config
	server  *zkserver.Server
	masters []*master.Master
	workers []*worker.Worker
}

// Open takes the directories and ports. The caller must call Run.
func Open(cfg Config) (*Queue, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	q := &Queue{cfg: cfg}
	q.server, err = zkserver.Open(zkserver.Config{
		Listen: cfg.Listen,
		Dir:    filepath.Join(cfg.Dir, "server"),
		Log:    cfg.Log.With().Str("role", "server").Logger(),
	})
	if err != nil {
		return nil, err
	}
	if err := q.openRoles(); err != nil {
		return nil, errors.Join(err, q.abandon())
	}
	return q, nil
}

func (q *Queue) openRoles() error {
	for i := range q.cfg.Masters {
		name := fmt.Sprintf("m%d", i+1)
		log := q.cfg.Log.With().Str("role", "master").Str("member", name).Logger()
		m, err := master.New(master.Config{Coordinator: q.coordinator(log), RetainTasks: q.cfg.RetainTasks, Log: log})
		if err != nil {
			return err
		}
		q.masters = append(q.masters, m)
	}
	for i := range q.cfg.Workers {
		name := fmt.Sprintf("w%d", i+1)
		log := q.cfg.Log.With().Str("role", "worker").Str("member", name).Logger()
		w, err := worker.New(worker.Config{
			Coordinator: q.coordinator(log),
			Name:        name,
			Slots:       q.cfg.Slots,
			Dir:         filepath.Join(q.cfg.Dir, name),
			Handlers:    q.cfg.Handlers,
			Guard:       q.cfg.Guard,
			Log:         log,
		})
		if err != nil {
			return err
		}
		q.workers = append(q.workers, w)
	}
	return nil
}

// abandon gives back what was taken, by a run that has ended before it began.
func (q *Queue) abandon() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return q.Run(ctx)
}

// Coordinator says how to reach the server, for a client or a further role.
func (q *Queue) Coordinator() coordinator.Config { return q.coordinator(q.cfg.Log) }

func (q *Queue) coordinator(log zerolog.Logger) coordinator.Config {
	return coordinator.Config{
		Servers:        []string{q.server.Addr().String()},
		SessionTimeout: q.cfg.SessionTimeout,
		Log:            log,
	}
}

// Run runs everything until ctx ends or a part fails. Then the workers stop
// their tasks and hand them back, the masters resign, and the server, which
// all of that needs, is the last to end.
func (q *Queue) Run(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	server := newLayer(fail)
	server.run(q.server.Run)
	masters := newLayer(fail)
	for _, m := range q.masters {
		masters.run(m.Run)
	}
	workers := newLayer(fail)
	for _, w := range q.workers {
		workers.run(func(ctx context.Context) error { return w.Run(ctx, nil) })
	}
	<-ctx.Done()
	workers.end()
	masters.end()
	server.end()
	return context.Cause(ctx)
}

// A layer is parts that stop together, after those that need them have.
type layer struct {
	ctx  context.Context // a lifetime: that of the layer's parts
	stop context.CancelFunc
	fail context.CancelCauseFunc // told when a part ends by itself
	wg   sync.WaitGroup
}

func newLayer(fail context.CancelCauseFunc) *layer {
	l := &layer{fail: fail}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

func (l *layer) run(part func(context.Context) error) {
	l.wg.Go(func() {
		if err := part(l.ctx); l.ctx.Err() == nil {
			l.fail(cmp.Or(err, errEnded))
		}
	})
}

// errEnded: a part came to its end though nobody had asked for it.
var errEnded = errors.New("local: a part ended by itself")

func (l *layer) end() {
	l.stop()
	l.wg.Wait()
}
