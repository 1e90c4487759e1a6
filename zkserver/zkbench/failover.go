package zkbench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// failovers takes the leaders of both ensembles away, again and again.
func (b *ensembleBench) failovers(ctx context.Context, r *EnsembleReport) error {
	for _, f := range []struct {
		row, what string
		times     int
		end       func(*server)
		took      func(outage) time.Duration
	}{
		{"kill", "killed", b.cfg.Kills, (*server).kill, func(o outage) time.Duration { return o.next }},
		{"stop", "stopped", b.cfg.Stops, (*server).stop, func(o outage) time.Duration { return o.longest }},
	} {
		if !b.wanted(f.row) {
			continue
		}
		ensembles, err := b.startAll(ctx)
		if err != nil {
			return err
		}
		results, own := make([]Failover, len(ensembles)), make([]Failover, len(ensembles))
		err = b.turns(ctx, f.times, ensembles, func(i int, e *ensemble) error {
			others, leaders, err := e.lose(ctx, f.end)
			if err != nil {
				return err
			}
			b.progress(fmt.Sprintf("%v, %s: %v", e, f.what, f.took(others).Round(time.Millisecond/10)))
			results[i].add(f.what, e, others, f.took(others))
			own[i].add(f.what+", its own client", e, leaders, f.took(leaders))
			return nil
		})
		if err = errors.Join(err, removeEnsembles(ensembles)); err != nil {
			return err
		}
		r.Failovers = slices.Concat(r.Failovers, results, own)
	}
	return nil
}

// turns calls f for each ensemble so many times; who is first alternates.
func (b *ensembleBench) turns(ctx context.Context, times int, ensembles []*ensemble, f func(int, *ensemble) error) error {
	for round := range times {
		for i := range ensembles {
			which := (i + round) % len(ensembles)
			if err := f(which, ensembles[which]); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

func (f *Failover) add(what string, e *ensemble, o outage, took time.Duration) {
	f.What, f.Server = what, e.String()
	f.Took = append(f.Took, took)
	f.Requests += o.requests
	f.Connections += o.connections
}

// An outage is what a client saw of the end of the leader.
type outage struct {
	next    time.Duration // until a write was acknowledged that began when the leader was gone
	longest time.Duration // between two acknowledgements meanwhile

	requests, connections int // lost
}

// steady is how long a client writes before the leader ends.
const steady = 300 * time.Millisecond

// lose ends the leader while two clients write, one through another member and one
// through the leader itself, and starts it again. It gives what the two saw.
func (e *ensemble) lose(ctx context.Context, end func(*server)) (other, own outage, err error) {
	leader, others, err := e.roles(ctx)
	if err != nil {
		return other, own, err
	}
	survivors := followers{e, others}.addrs()
	var writers [2]*writer
	for i, first := range []string{survivors[0], leader.addr()} {
		if writers[i], err = newWriter(ctx, fmt.Sprint("/failover-", i), first, survivors); err != nil {
			return other, own, err
		}
		defer writers[i].close()
	}
	wait(ctx, steady)
	before := [2]seen{writers[0].state(), writers[1].state()}
	began := time.Now()
	end(leader)
	gone := time.Now()
	for i, o := range []*outage{&other, &own} {
		if *o, err = writers[i].recovered(ctx, before[i], began, gone); err != nil {
			return other, own, fmt.Errorf("%v without its leader: %w", e, err)
		}
		writers[i].close()
	}
	_, err = leader.start(ctx)
	return other, own, err
}

// A writer writes one value after the other, and when its connection ends makes
// another at once.
type writer struct {
	client *client.Client
	stop   context.CancelFunc
	once   sync.Once
	done   chan struct{} // closed by run
	news   chan struct{} // has a token when there was an acknowledgement, or the end

	mu   sync.Mutex // protects the fields below
	seen seen
	acks []ack
	err  error // what ended it
}

// seen is what has happened to a writer.
type seen struct{ lost, connections int }

// An ack is a write that was acknowledged.
type ack struct{ began, ended time.Time }

// How soon a writer connects again: so many attempts without the pauses of the
// client, and so long between two, for a server that refuses at once.
const (
	attempts = 1000
	again    = 5 * time.Millisecond
)

// newWriter writes to the znode at path through the first address, and when that is
// lost through any of addrs.
func newWriter(ctx context.Context, path, first string, addrs []string) (*writer, error) {
	w := &writer{done: make(chan struct{}), news: make(chan struct{}, 1)}
	var dialed bool // by the client's one goroutine
	var d net.Dialer
	c, err := client.Dial(ctx, client.Config{
		Servers: slices.Repeat(addrs, attempts),
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !dialed {
				dialed, addr = true, first
			} else {
				wait(ctx, again)
			}
			return d.DialContext(ctx, network, addr)
		},
		OnEvent: w.event,
	})
	if err != nil {
		return nil, err
	}
	w.client = c
	if _, err := c.Create(ctx, path, nil, wire.FlagPersistent, client.OpenACL); err != nil && client.CodeOf(err) != wire.NodeExists {
		c.Close()
		return nil, err
	}
	ctx, w.stop = context.WithCancel(ctx)
	go w.run(ctx, path) // ends with close
	return w, nil
}

func (w *writer) event(e wire.WatcherEvent) {
	if e.Type == wire.EventNone && e.State == wire.StateSyncConnected {
		w.mu.Lock()
		w.seen.connections++
		w.mu.Unlock()
	}
}

func (w *writer) run(ctx context.Context, path string) {
	defer close(w.done)
	for ctx.Err() == nil {
		began := time.Now()
		_, err := w.client.Set(ctx, path, value, -1)
		w.mu.Lock()
		switch {
		case err == nil:
			w.acks = append(w.acks, ack{began, time.Now()})
		case errors.Is(err, client.ErrConnectionLost):
			w.seen.lost++
		default:
			w.err = err
		}
		w.mu.Unlock()
		if !errors.Is(err, client.ErrConnectionLost) {
			select {
			case w.news <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}
}

func (w *writer) close() {
	w.once.Do(func() {
		w.stop()
		<-w.done
		w.client.Close()
	})
}

func (w *writer) state() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// recovered waits for the acknowledgement of a write that began after gone.
func (w *writer) recovered(ctx context.Context, before seen, began, gone time.Time) (outage, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return outage{}, fmt.Errorf("no write was acknowledged: %w", context.Cause(ctx))
		case <-w.news:
		}
		w.mu.Lock()
		acks, now, err := w.acks, w.seen, w.err
		w.mu.Unlock()
		if err != nil {
			return outage{}, err
		}
		if acks[len(acks)-1].began.Before(gone) {
			continue
		}
		o := outageOf(acks, began, gone)
		o.requests, o.connections = now.lost-before.lost, now.connections-before.connections
		return o, nil
	}
}

// outageOf finds what the acknowledgements, in order, tell of the time from began
// on. One of them is of a write that began after gone.
func outageOf(acks []ack, began, gone time.Time) outage {
	var o outage
	for i, a := range acks {
		if a.ended.Before(began) {
			continue
		}
		if i > 0 {
			o.longest = max(o.longest, a.ended.Sub(acks[i-1].ended))
		}
		if !a.began.Before(gone) {
			o.next = a.ended.Sub(began)
			break
		}
	}
	return o
}
