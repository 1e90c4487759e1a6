package zkbench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A soak is the load: connections that take turns among everything a client
// does, each in a folder of its own.
type soak struct {
	cfg   SoakConfig
	root  string
	hands []*hand

	events   atomic.Int64
	sessions atomic.Int64

	mu   sync.Mutex // protects took
	took histogram  // since the last sample
}

// A hand is one connection. Only its own goroutine uses it.
type hand struct {
	soak   *soak
	client *client.Client
	dir    string
	random *rand.Rand
	made   []string // znodes to be deleted again, oldest first
	next   int      // name of the next
}

// maxMade is how many znodes a hand has that come and go.
const maxMade = 50

func openSoak(ctx context.Context, cfg SoakConfig) (*soak, error) {
	l := &soak{cfg: cfg, root: fmt.Sprintf("/soak-%d", os.Getpid())}
	for i := range cfg.Conns {
		c, err := l.dial(ctx)
		if err != nil {
			l.close()
			return nil, err
		}
		h := &hand{soak: l, client: c, dir: l.root + "/" + strconv.Itoa(i), random: rand.New(rand.NewPCG(uint64(i), 1))}
		l.hands = append(l.hands, h)
		if i == 0 {
			err = folder(ctx, c, l.root)
		}
		if err == nil {
			err = folderWithKeys(ctx, c, h.dir)
		}
		if err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// dialTime is how long a session may take.
const dialTime = 30 * time.Second

func (l *soak) dial(ctx context.Context) (*client.Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTime, errors.New("no session within "+dialTime.String()))
	defer cancel()
	l.sessions.Add(1)
	return client.Dial(ctx, client.Config{Servers: l.cfg.Servers, SessionTimeout: 10 * time.Second,
		OnEvent: func(e wire.WatcherEvent) {
			if e.Type != wire.EventNone {
				l.events.Add(1)
			}
		}})
}

// close removes what was made, as far as it can be, and ends the connections.
func (l *soak) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, h := range l.hands {
		names, _, _ := h.client.Children(ctx, h.dir, false)
		for _, name := range names {
			_ = h.client.Delete(ctx, h.dir+"/"+name, -1)
		}
		_ = h.client.Delete(ctx, h.dir, -1)
	}
	for i, h := range l.hands {
		if i == 0 {
			_ = h.client.Delete(ctx, l.root, -1)
		}
		h.client.Close()
	}
}

// run keeps the rate until ctx ends, which is no error.
func (l *soak) run(ctx context.Context) error {
	g, running := errgroup.WithContext(ctx)
	period := time.Duration(float64(time.Second) * float64(l.cfg.Conns) / float64(l.cfg.Rate))
	began := time.Now()
	for i, h := range l.hands {
		due := began.Add(period * time.Duration(i) / time.Duration(len(l.hands)))
		g.Go(func() error {
			for ; ; due = due.Add(period) {
				if !until(running, due) {
					return nil
				}
				if err := h.step(running); err != nil && running.Err() == nil {
					return fmt.Errorf("%s: %w", h.dir, err)
				}
				l.add(time.Since(due))
			}
		})
	}
	return g.Wait()
}

// until waits until a time, and reports false when ctx ends before.
func until(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (l *soak) add(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took.add(took)
}

// sample takes what was counted in the time since the last.
func (l *soak) sample(since time.Duration) Sample {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Sample{
		PerSecond: float64(l.took.n) / since.Seconds(),
		P50:       l.took.quantile(0.50), P99: l.took.quantile(0.99),
		Events: l.events.Swap(0), Sessions: l.sessions.Swap(0),
	}
	l.took = histogram{}
	return s
}

// step does one of the things a client does, a read more often than not.
func (h *hand) step(ctx context.Context) (err error) {
	path := key(h.dir, h.random.IntN(keys))
	watch := h.random.IntN(10) == 0
	switch n := h.random.IntN(1000); {
	case n < 450:
		_, _, err = h.client.Get(ctx, path, watch)
	case n < 550:
		_, err = h.client.Exists(ctx, path, watch)
	case n < 650:
		_, _, err = h.client.Children(ctx, h.dir, watch)
	case n < 800:
		_, err = h.client.Set(ctx, path, value[:h.random.IntN(len(value))], -1)
	case n < 995:
		err = h.comeOrGo(ctx)
	case n < 999:
		err = h.visit(ctx)
	default:
		err = h.vanish()
	}
	return err
}

// comeOrGo makes a znode, or deletes the oldest it made.
func (h *hand) comeOrGo(ctx context.Context) error {
	if len(h.made) == maxMade || len(h.made) > 0 && h.random.IntN(2) == 0 {
		path := h.made[0]
		h.made = h.made[:copy(h.made, h.made[1:])]
		return h.client.Delete(ctx, path, -1)
	}
	flags := []int32{wire.FlagPersistent, wire.FlagEphemeral, wire.FlagSequential}[h.random.IntN(3)]
	h.next++
	path, err := h.client.Create(ctx, h.dir+"/n"+strconv.Itoa(h.next)+"-", value, flags, client.OpenACL)
	if err == nil {
		h.made = append(h.made, path)
	}
	return err
}

// visit is a session that comes, makes an ephemeral znode and goes.
func (h *hand) visit(ctx context.Context) error {
	c, err := h.soak.dial(ctx)
	if err != nil {
		return err
	}
	h.next++
	_, err = c.Create(ctx, h.dir+"/e"+strconv.Itoa(h.next), value, wire.FlagEphemeral, client.OpenACL)
	return errors.Join(err, c.Close())
}

// vanish is a client that is gone without a word, after it made an ephemeral
// znode: its session is to expire.
func (h *hand) vanish() error {
	h.soak.sessions.Add(1)
	nc, err := net.DialTimeout("tcp", h.soak.cfg.Servers[0], fanOutTimeout)
	if err != nil {
		return err
	}
	defer nc.Close()
	w := newWatcherOn(nc)
	if _, err := w.ask(&wire.ConnectRequest{TimeoutMillis: 2_000, Password: make([]byte, 16)}); err != nil {
		return err
	}
	h.next++
	_, err = w.ask(&wire.RequestHeader{Xid: 1, Op: wire.OpCreate},
		&wire.CreateRequest{Path: h.dir + "/v" + strconv.Itoa(h.next), Data: value, ACL: client.OpenACL, Flags: wire.FlagEphemeral})
	return err
}
