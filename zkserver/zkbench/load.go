package zkbench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A shape is how many connections there are and how many requests each has in
// flight.
type shape struct{ conns, inFlight int }

func (s shape) String() string { return fmt.Sprintf("%d×%d", s.conns, s.inFlight) }

var shapes = []shape{{1, 1}, {16, 1}, {64, 1}, {8, 64}, {32, 128}}

// A target is what a load is put on.
type target interface {
	addrs() []string // the connections go to each in turn
	usage() (usage, error)
	String() string
}

// A load is a closed loop on a target.
type load struct {
	op    operation
	shape shape
	conns []*client.Client
	round int // makes paths of their own for each round
}

// openLoad connects and prepares what the operation needs.
func openLoad(ctx context.Context, s target, op operation, sh shape, round int) (*load, error) {
	l := &load{op: op, shape: sh, round: round}
	g, dialing := errgroup.WithContext(ctx)
	l.conns = make([]*client.Client, sh.conns)
	addrs := s.addrs()
	for i := range l.conns {
		g.Go(func() (err error) {
			l.conns[i], err = client.Dial(dialing, client.Config{Servers: addrs[i%len(addrs) : i%len(addrs)+1], SessionTimeout: 30 * time.Second, MaxInFlight: sh.inFlight})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		l.close()
		return nil, fmt.Errorf("connect to %v: %w", s, err)
	}
	for i, c := range l.conns {
		if err := op.prepare(ctx, c, l.dir(i)); err != nil {
			l.close()
			return nil, fmt.Errorf("prepare %s on %v: %w", op.name, s, err)
		}
	}
	return l, nil
}

// dir is the folder of one connection.
func (l *load) dir(conn int) string {
	return fmt.Sprintf("/%s-%dx%d-%d-%d", l.op.name, l.shape.conns, l.shape.inFlight, l.round, conn)
}

func (l *load) close() {
	var wg sync.WaitGroup
	for _, c := range l.conns {
		if c != nil {
			wg.Go(func() { c.Close() })
		}
	}
	wg.Wait()
}

// A sample is what one measurement gave.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	worst     time.Duration
	cpu       time.Duration // the server's, for all requests
	requests  int
}

// run keeps all connections busy for a while.
func (l *load) run(ctx context.Context, s target, d time.Duration) (sample, error) {
	before, err := s.usage()
	if err != nil {
		return sample{}, err
	}
	var stop atomic.Bool
	began := time.Now()
	loops := make([]*loop, len(l.conns))
	g, ctx := errgroup.WithContext(ctx)
	for i, c := range l.conns {
		loops[i] = &loop{client: c, stop: &stop, next: l.op.requests(l.dir(i))}
		g.Go(func() error { return loops[i].run(ctx, l.shape.inFlight) })
	}
	timer := time.AfterFunc(d, func() { stop.Store(true) })
	defer timer.Stop()
	if err := g.Wait(); err != nil {
		return sample{}, fmt.Errorf("%s %v on %v: %w", l.op.name, l.shape, s, err)
	}
	took := time.Since(began)
	after, err := s.usage()
	if err != nil {
		return sample{}, err
	}
	var all histogram
	for _, lp := range loops {
		all.merge(&lp.took)
	}
	return sample{
		perSecond: float64(all.n) / took.Seconds(),
		p50:       all.quantile(0.50), p99: all.quantile(0.99), worst: all.quantile(1 - 1/float64(all.n+1)),
		cpu: after.cpu - before.cpu, requests: all.n,
	}, nil
}

// A loop sends on one connection: a request for each answer. Its fields are the
// read loop's of the client, once it has begun.
type loop struct {
	client *client.Client
	stop   *atomic.Bool
	next   func() (wire.Op, wire.Record, wire.Record)

	took   histogram
	left   int // requests without an answer
	err    error
	mu     sync.Mutex // protects left, err and next
	finish chan struct{}
}

// A request is one of those in flight, used again and again.
type request struct {
	client.Call
	sent time.Time
}

// run begins the requests and waits for the last answer.
func (l *loop) run(ctx context.Context, inFlight int) error {
	l.finish = make(chan struct{})
	l.left = inFlight
	for range inFlight {
		r := new(request)
		r.Done = func(*client.Call) { l.done(r) }
		l.mu.Lock()
		r.Op, r.Request, r.Reply = l.next()
		l.mu.Unlock()
		r.sent = time.Now()
		if err := l.client.Send(ctx, &r.Call); err != nil {
			return err
		}
	}
	select {
	case <-l.finish:
		return l.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// done takes an answer and sends the next request.
func (l *loop) done(r *request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if err := r.failed(); err != nil {
		l.err = err
	} else {
		l.took.add(now.Sub(r.sent))
	}
	if !l.stop.Load() && l.err == nil {
		r.Op, r.Request, r.Reply = l.next()
		r.sent = now
		if l.client.TrySend(&r.Call) {
			return
		}
		l.err = errors.New("a request could not be sent")
	}
	if l.left--; l.left == 0 {
		close(l.finish)
	}
}

func (r *request) failed() error {
	if r.Err != nil {
		return r.Err
	}
	if r.Header.Err != wire.OK {
		return fmt.Errorf("%v answered %v", r.Op, r.Header.Err)
	}
	return nil
}
