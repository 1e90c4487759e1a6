package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// Worker runs tasks. Make one with [New], then call [Worker.Run] once.
type Worker struct {
	cfg        Config
	store      *store
	launcher   *launcher
	listener   net.Listener
	advertised string // where the listener can be reached

	// ended gets each attempt that is over: from its goroutine, to the loop of
	// the instance that lives then.
	ended chan ended
	over  chan struct{} // closed by Run when it returns: no loop will come

	// Owned by Run.
	sessions   uint64    // so far; numbers them for the guard
	busy       int       // slots taken when the last instance ended
	unreported []*report // oldest first
	fitness    fitness
}

// New takes the directory and the port. The error is one line that says what
// is wrong with the configuration, or that another worker uses the directory.
// Run gives both back; a Worker that is never run must be closed.
func New(cfg Config) (*Worker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	store, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		store.close()
		return nil, fmt.Errorf("worker: %w", err)
	}
	return &Worker{
		cfg: cfg, store: store, listener: listener, advertised: coordinator.Advertise(listener.Addr()),
		launcher: newLauncher(cfg.Guard, cfg.Log), ended: make(chan ended), over: make(chan struct{}),
	}, nil
}

// Close gives back the directory and the port. Run does it by itself.
func (w *Worker) Close() error {
	err := w.listener.Close()
	w.store.close()
	return err
}

// Addr is where the worker serves HTTP.
func (w *Worker) Addr() net.Addr { return w.listener.Addr() }

// Run registers the worker and runs what it is assigned, over as many sessions
// as it takes.
//
// When drain is closed the worker takes nothing more, hands back what has not
// started, and returns nil when what runs has ended and is on record. When ctx
// ends it stops: commands get SIGTERM and, after StopGrace, SIGKILL; handlers'
// contexts end; the attempts are recorded as interrupted, so that their tasks
// run elsewhere; and Run returns the cause of ctx's end.
//
// When a session is lost, or can have been lost, its commands are dead before
// the service can give their tasks to another worker, and the worker registers
// anew. When Run returns, no command is alive.
func (w *Worker) Run(ctx context.Context, drain <-chan struct{}) error {
	defer close(w.over)
	defer w.store.close()
	defer w.launcher.close()
	if err := w.launcher.ready(); err != nil {
		return err
	}

	aside, end := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { w.store.keepTidy(aside) })
	wg.Go(func() { w.serveHTTP(aside) })
	defer wg.Wait()
	defer end()
	return w.work(ctx, drain)
}

// work serves one instance after another.
func (w *Worker) work(ctx context.Context, drain <-chan struct{}) error {
	cfg := w.cfg.Coordinator
	pause := coordinator.Backoff{First: firstPause, Most: lastPause}
	for {
		s, err := w.connect(ctx, cfg, drain)
		if errors.Is(err, errDrained) {
			return nil
		}
		if err != nil {
			return err
		}
		cfg.ConnectTimeout = 0 // there was a server once
		began := time.Now()
		err = w.serve(ctx, drain, s)
		_ = s.Close()
		switch {
		case errors.Is(err, errDrained) || ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, coordinator.ErrSessionLost):
			return err
		}
		w.cfg.Log.Warn().Err(err).Msg("registration lost, registering again")
		if time.Since(began) > 2*s.Timeout() {
			pause.Reset()
		}
		if err := pause.Wait(ctx); err != nil {
			return err
		}
	}
}

// connect opens a session. It gives up when drain is closed and there is
// nothing left to report.
func (w *Worker) connect(ctx context.Context, cfg coordinator.Config, drain <-chan struct{}) (*coordinator.Session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if w.busy == 0 && len(w.unreported) == 0 {
		go func() { // ends with this call
			select {
			case <-drain:
				cancel(errDrained)
			case <-ctx.Done():
			}
		}()
	}
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil && errors.Is(context.Cause(ctx), errDrained) {
		return nil, errDrained
	}
	return s, err
}
