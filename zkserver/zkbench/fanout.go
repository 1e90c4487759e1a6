package zkbench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// fanOut measures one change that many connections hear of: from the request
// to the last event. The watchers are bare connections, since thousands of
// clients would be measured rather than the server.
func (b *bench) fanOut(ctx context.Context, r *Report) error {
	if !b.wanted("watch") || b.cfg.Watchers < 0 {
		return nil
	}
	name := fmt.Sprintf("one change to %d watchers", b.cfg.Watchers)
	return b.each(ctx, r, name, "s", true, 1, func(s *server) (float64, error) {
		return fanOut(ctx, s, b.cfg.Watchers, b.cfg.Rounds)
	})
}

func fanOut(ctx context.Context, s *server, watchers, rounds int) (float64, error) {
	c, err := client.Dial(ctx, client.Config{Servers: []string{s.addr()}})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := c.Create(ctx, "/watched", nil, wire.FlagPersistent, client.OpenACL); err != nil {
		return 0, err
	}
	all := make([]*watcher, watchers)
	g, _ := errgroup.WithContext(ctx)
	g.SetLimit(64)
	for i := range all {
		g.Go(func() (err error) { all[i], err = newWatcher(s.addr()); return err })
	}
	err = g.Wait()
	defer func() {
		for _, w := range all {
			if w != nil {
				w.nc.Close()
			}
		}
	}()
	if err != nil {
		return 0, fmt.Errorf("%d watchers: %w (each takes a file descriptor here and in the server)", watchers, err)
	}
	var took []float64
	for range rounds + 1 { // the first one warms up
		d, err := fire(ctx, c, all)
		if err != nil {
			return 0, err
		}
		took = append(took, d.Seconds())
	}
	return median(took[1:], func(v float64) float64 { return v }), nil
}

// fire sets a watch on every connection, makes a change, and waits until all
// have heard of it.
func fire(ctx context.Context, c *client.Client, all []*watcher) (time.Duration, error) {
	g := new(errgroup.Group)
	g.SetLimit(64)
	for _, w := range all {
		g.Go(w.watch)
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	var heard sync.WaitGroup
	errs := make(chan error, 1)
	for _, w := range all {
		heard.Go(func() { // ends with the event, or with the connection's deadline
			if err := w.hear(); err != nil {
				select {
				case errs <- err:
				default:
				}
			}
		})
	}
	began := time.Now()
	if _, err := c.Set(ctx, "/watched", value, -1); err != nil {
		return 0, err
	}
	heard.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		return 0, err
	default:
		return took, nil
	}
}

// A watcher is a bare connection with a session.
type watcher struct {
	nc  net.Conn
	in  *bufio.Reader
	buf []byte
}

// fanOutTimeout bounds everything a watcher waits for.
const fanOutTimeout = time.Minute

func newWatcher(addr string) (*watcher, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	w := newWatcherOn(nc)
	_, err = w.ask(&wire.ConnectRequest{TimeoutMillis: 40_000, Password: make([]byte, 16)})
	if err != nil {
		nc.Close()
		return nil, err
	}
	return w, nil
}

func newWatcherOn(nc net.Conn) *watcher { return &watcher{nc: nc, in: bufio.NewReaderSize(nc, 512)} }

// ask sends records as one frame and reads the answer.
func (w *watcher) ask(records ...wire.Record) ([]byte, error) {
	b, start := wire.BeginFrame(nil)
	for _, r := range records {
		b = r.Append(b)
	}
	wire.EndFrame(b, start)
	if err := w.nc.SetDeadline(time.Now().Add(fanOutTimeout)); err != nil {
		return nil, err
	}
	if _, err := w.nc.Write(b); err != nil {
		return nil, err
	}
	return w.read()
}

func (w *watcher) read() (frame []byte, err error) {
	frame, err = wire.ReadFrame(w.in, w.buf, 4096)
	w.buf = frame
	return frame, err
}

func (w *watcher) watch() error {
	_, err := w.ask(&wire.RequestHeader{Xid: 1, Op: wire.OpExists}, &wire.PathWatchRequest{Path: "/watched", Watch: true})
	return err
}

func (w *watcher) hear() error {
	_, err := w.read()
	return err
}
