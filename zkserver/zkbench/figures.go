package zkbench

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// connecting measures new sessions: a connection, the handshake, a
// closeSession, from 16 sides.
func (b *bench) connecting(ctx context.Context, r *Report) error {
	if !b.wanted("connect") {
		return nil
	}
	const sides = 16
	return b.each(ctx, r, "sessions made and closed", "1/s", false, b.cfg.Rounds, func(s *server) (float64, error) {
		rate := 0.0
		for _, d := range []time.Duration{b.cfg.Time, b.cfg.Time} { // the first one warms up
			counts := make([]int, sides)
			g, ctx := errgroup.WithContext(ctx)
			began := time.Now()
			for i := range sides {
				g.Go(func() error {
					for time.Since(began) < d {
						c, err := client.Dial(ctx, client.Config{Servers: []string{s.addr()}})
						if err != nil {
							return err
						}
						if err := c.Close(); err != nil {
							return err
						}
						counts[i]++
					}
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				return 0, err
			}
			sum := 0
			for _, n := range counts {
				sum += n
			}
			rate = float64(sum) / time.Since(began).Seconds()
		}
		return rate, nil
	})
}

// starting measures a start on an empty directory, to the first answer.
func (b *bench) starting(ctx context.Context, r *Report) error {
	if !b.wanted("start") {
		return nil
	}
	return b.each(ctx, r, "cold start to the first answer", "s", true, b.cfg.Rounds, func(s *server) (float64, error) {
		if err := s.remove(); err != nil {
			return 0, err
		}
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return 0, err
		}
		took, err := s.start(ctx)
		return took.Seconds(), err
	})
}

// largeTree measures what many znodes take, and a start with them.
func (b *bench) largeTree(ctx context.Context, r *Report) error {
	if !b.wanted("tree") || b.cfg.Znodes < 0 {
		return nil
	}
	n := b.cfg.Znodes
	b.progress(fmt.Sprintf("%d znodes", n))
	grown := make([][]float64, len(b.kinds))
	resident := make([][]float64, len(b.kinds))
	restart := make([][]float64, len(b.kinds))
	for i, k := range b.kinds {
		s, err := startServer(ctx, k, b.cfg)
		if err != nil {
			return err
		}
		err = func() error {
			defer s.remove()
			began := time.Now()
			if err := grow(ctx, s, n); err != nil {
				return fmt.Errorf("grow a tree on %s: %w", k.name, err)
			}
			grown[i] = append(grown[i], time.Since(began).Seconds())
			u, err := s.usage()
			if err != nil {
				return err
			}
			resident[i] = append(resident[i], float64(u.resident)/(1<<20))
			for range b.cfg.Rounds {
				s.stop()
				took, err := s.start(ctx)
				if err != nil {
					return err
				}
				restart[i] = append(restart[i], took.Seconds())
			}
			return nil
		}()
		if err != nil {
			return err
		}
	}
	r.Figures = append(r.Figures,
		newFigure(fmt.Sprintf("%d znodes made in multis of 100", n), "s", true, grown),
		newFigure(fmt.Sprintf("memory with %d znodes of 100 B", n), "MiB", true, resident),
		newFigure(fmt.Sprintf("start with %d znodes, to the first answer", n), "s", true, restart))
	return nil
}

// grow makes n znodes below folders of 1000, from 8 connections.
func grow(ctx context.Context, s *server, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	const sides = 8
	for side := range sides {
		g.Go(func() error {
			c, err := client.Dial(ctx, client.Config{Servers: []string{s.addr()}, SessionTimeout: 30 * time.Second})
			if err != nil {
				return err
			}
			defer c.Close()
			for dir := side; dir < n/1000; dir += sides {
				path := fmt.Sprintf("/tree-%04d", dir)
				if err := folder(ctx, c, path); err != nil {
					return err
				}
				for batch := range 10 {
					ops := make([]wire.MultiOp, 100)
					for i := range ops {
						ops[i] = wire.MultiOp{Op: wire.OpCreate, Request: &wire.CreateRequest{
							Path: fmt.Sprintf("%s/znode-%06d", path, batch*100+i), Data: value, ACL: client.OpenACL}}
					}
					if _, err := c.Multi(ctx, ops...); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return g.Wait()
}
