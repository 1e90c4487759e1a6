package submit

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// How [Handle.Follow] looks for where the task runs: often at first, so that
// a short task is seen, then every second. A worker answers on its own port
// and the tree keeps no index from tasks to workers, so this is a look at each
// worker's list, not a watch.
const (
	firstLook = 50 * time.Millisecond
	lastLook  = time.Second
)

// drainOutput is how long a stream may go on after its task's end is recorded.
const drainOutput = 2 * time.Second

// A Follower takes what [Handle.Follow] shows. Each writer is written to by
// one goroutine at a time, but the two at once.
type Follower struct {
	Stdout, Stderr io.Writer

	// Attempt, when set, is told of each attempt before its output comes.
	Attempt func(number int, worker string)

	// Unreachable, when set, is told once an attempt that its worker cannot be
	// reached: its output comes when it has ended, or when the worker is.
	Unreachable func(worker string, err *UnreachableError)
}

// place is where an attempt runs.
type place struct {
	instance, addr string
	attempt        int
}

// A run is what has been shown of one attempt.
type run struct {
	place
	stdout, stderr int64 // bytes
	unreached      bool  // told
}

// Follow copies the task's output while it runs, attempt after attempt, and
// returns its result like [Handle.Wait], with the last attempt's output
// complete. When a part of that cannot be had, the error is a [PartialError]
// and the result stands.
func (h *Handle) Follow(ctx context.Context, f Follower) (Result, error) {
	looking, stopLooking := context.WithCancel(ctx)
	streaming, stopStreaming := context.WithCancel(ctx)
	defer stopLooking()
	defer stopStreaming()
	var shown run
	var wg sync.WaitGroup
	wg.Go(func() { shown = h.stream(looking, streaming, f) })

	r, err := h.Wait(ctx)
	stopLooking()
	patience := time.AfterFunc(drainOutput, stopStreaming)
	wg.Wait()
	patience.Stop()
	if err != nil {
		return r, err
	}
	if shown.attempt != r.Attempts {
		shown = run{}
	}
	return r, errors.Join(
		h.outputFrom(ctx, r, Stdout, shown.stdout, f.Stdout),
		h.outputFrom(ctx, r, Stderr, shown.stderr, f.Stderr))
}

// stream shows attempts as they run until looking ends and what is being
// shown has come to its end, or streaming ends. It returns what it showed of
// the last one.
func (h *Handle) stream(looking, streaming context.Context, f Follower) run {
	var shown run
	for pause := firstLook; sleep(looking, pause); pause = min(2*pause, lastLook) {
		p, err := h.where(looking)
		if err != nil || p.addr == "" {
			continue
		}
		if p != shown.place {
			shown, pause = run{place: p}, firstLook
			if f.Attempt != nil {
				f.Attempt(p.attempt, p.instance)
			}
		}
		h.streamRun(streaming, &shown, f)
	}
	return shown
}

// streamRun copies both outputs of an attempt from where they were left until
// they end, or the worker does. What is missed then is made up for by the
// next look, or at the end.
func (h *Handle) streamRun(ctx context.Context, shown *run, f Follower) {
	one := func(stream Stream, n *int64, w io.Writer) (err error) {
		to := &sink{w: w}
		err = h.get(ctx, shown.addr, shown.attempt, stream, *n, true, to)
		*n += to.n
		if err != nil && ctx.Err() == nil {
			h.c.log.Debug().Str("task", string(h.id)).Str("addr", shown.addr).Err(err).Msg("output interrupted")
		}
		return err
	}
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = one(Stdout, &shown.stdout, f.Stdout) })
	wg.Go(func() { _ = one(Stderr, &shown.stderr, f.Stderr) })
	wg.Wait()
	u, ok := errors.AsType[*UnreachableError](err)
	if ok && ctx.Err() == nil && f.Unreachable != nil && !shown.unreached {
		shown.unreached = true
		f.Unreachable(shown.instance, u)
	}
}

// where finds the attempt that runs now; its addr is empty when none does.
func (h *Handle) where(ctx context.Context) (place, error) {
	var p place
	err := h.c.with(ctx, func(s *coordinator.Session) (err error) {
		p, err = findPlace(ctx, s, h.id)
		return err
	})
	return p, err
}

func findPlace(ctx context.Context, s *coordinator.Session, id coordinator.TaskID) (place, error) {
	owners, err := readOwners(ctx, s)
	if err != nil || owners[id] == "" {
		return place{}, err
	}
	cur, err := readCurrent(ctx, s, id, owners[id])
	if err != nil {
		return place{}, err
	}
	p := place{instance: cur.Worker, attempt: cur.Number}
	data, _, err := s.Get(ctx, coordinator.WorkerPath(p.instance))
	p.addr = coordinator.ParseRegistration(data).Addr
	return p, err
}

// Peek writes what the attempt that runs now has printed on stream so far. It
// reports false when no attempt has started.
func (h *Handle) Peek(ctx context.Context, stream Stream, w io.Writer) (started bool, err error) {
	p, err := h.where(ctx)
	if err != nil || p.addr == "" {
		return false, err
	}
	err = h.get(ctx, p.addr, p.attempt, stream, 0, false, w)
	if errors.Is(err, errStatus) {
		return false, nil // assigned, and waiting for a slot
	}
	return err == nil, err
}
