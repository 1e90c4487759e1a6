package tcp_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// A road is what all connections from one machine share, in a bubble: a link that
// carries so many bytes in a second, in the order in which they come, with a
// queue before it, as a router has one.
type road struct {
	rate    int
	parcels chan parcel
}

type parcel struct {
	b  []byte
	to *lane
}

const (
	parcelBytes = 4 << 10
	roadQueue   = 4 << 20
)

func newRoad(ctx context.Context, rate int) *road {
	r := &road{rate: rate, parcels: make(chan parcel, roadQueue/parcelBytes)}
	go func() {
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case p := <-r.parcels:
				time.Sleep(time.Duration(float64(len(p.b)) / float64(r.rate) * float64(time.Second)))
				p.to.put(p.b)
			}
		}
	}()
	return r
}

// A lane is one direction of a connection behind the road.
type lane struct {
	mu   sync.Mutex // protects b
	b    []byte
	wake chan struct{}
}

func (l *lane) put(b []byte) {
	l.mu.Lock()
	l.b = append(l.b, b...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// carry takes what is written to from over a road to the other end.
func (r *road) carry(ctx context.Context, from, to net.Conn, count func(int)) {
	l := &lane{wake: make(chan struct{}, 1)}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-l.wake:
			}
			l.mu.Lock()
			b := l.b
			l.b = nil
			l.mu.Unlock()
			if _, err := to.Write(b); err != nil {
				from.Close()
			}
		}
	}()
	for {
		b := make([]byte, parcelBytes)
		n, err := from.Read(b)
		if err != nil {
			to.Close()
			return
		}
		count(n)
		select {
		case r.parcels <- parcel{b[:n], l}:
		case <-ctx.Done():
			return
		}
	}
}

// A network is machines with a road out of each.
type network struct {
	ctx       context.Context
	roads     []*road
	listeners []*zktest.Listener

	mu      sync.Mutex // protects the fields below
	conns   map[net.Conn][2]int
	carried map[[2]int]int // bytes
}

func newNetwork(ctx context.Context, machines, rate int) *network {
	w := &network{ctx: ctx, conns: map[net.Conn][2]int{}, carried: map[[2]int]int{}}
	for range machines {
		w.roads = append(w.roads, newRoad(ctx, rate))
		w.listeners = append(w.listeners, zktest.NewListener())
	}
	return w
}

// dial connects two machines.
func (w *network) dial(ctx context.Context, from, to int) (net.Conn, error) {
	far, err := w.listeners[to].Dial(ctx, "tcp", fmt.Sprint(to))
	if err != nil {
		return nil, err
	}
	near, end := net.Pipe()
	w.mu.Lock()
	w.conns[end], w.conns[far] = [2]int{from, to}, [2]int{from, to}
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(w.ctx)
	count := func(a, b int) func(int) {
		return func(n int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.carried[[2]int{a, b}] += n
		}
	}
	go func() {
		defer cancel()
		w.roads[from].carry(ctx, end, far, count(from, to))
	}()
	go func() {
		defer cancel()
		w.roads[to].carry(ctx, far, end, count(to, from))
	}()
	context.AfterFunc(ctx, func() {
		end.Close()
		far.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, end)
		delete(w.conns, far)
	})
	return near, nil
}

// cut ends all connections of a machine.
func (w *network) cut(machine int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, ends := range w.conns {
		if slices.Contains(ends[:], machine) {
			c.Close()
		}
	}
}

func (w *network) bytes(from, to int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.carried[[2]int{from, to}]
}
