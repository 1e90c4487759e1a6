package zkbench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Run measures everything the config asks for. progress is told what is being
// done. It takes the machine for itself for several minutes.
func Run(ctx context.Context, cfg Config, progress func(string)) (*Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &bench{cfg: cfg, progress: progress, kinds: []kind{ours, apache}}
	if cfg.Alone {
		b.kinds = b.kinds[:1]
	}
	r := &Report{Rounds: cfg.Rounds, Time: cfg.Time}
	for _, step := range []func(context.Context, *Report) error{b.throughput, b.connecting, b.fanOut, b.snapshots, b.starting, b.largeTree} {
		if err := step(ctx, r); err != nil {
			return r, fmt.Errorf("zkbench: %w", err)
		}
	}
	return r, nil
}

type bench struct {
	cfg      Config
	progress func(string)
	kinds    []kind
}

// wanted reports whether rows of this name are asked for.
func (b *bench) wanted(name string) bool {
	return len(b.cfg.Rows) == 0 || slices.Contains(b.cfg.Rows, name)
}

// throughput measures every operation in every shape.
func (b *bench) throughput(ctx context.Context, r *Report) error {
	for _, op := range operations {
		if !b.wanted(op.name) {
			continue
		}
		for _, sh := range shapes {
			if op.name == "multi" && sh.inFlight > 64 {
				continue // hundreds of megabytes in flight measure something else
			}
			b.progress(fmt.Sprintf("%s %v", op.name, sh))
			row, err := b.row(ctx, op, sh)
			if err != nil {
				return err
			}
			r.Rows = append(r.Rows, row)
		}
	}
	return nil
}

// row measures one operation in one shape, on servers of its own: a tree that
// other rows have grown would be part of what is measured.
func (b *bench) row(ctx context.Context, op operation, sh shape) (Row, error) {
	servers, err := b.startAll(ctx)
	if err != nil {
		return Row{}, err
	}
	defer removeAll(servers)
	samples, err := b.rounds(ctx, servers, op, sh)
	if err != nil {
		return Row{}, err
	}
	return newRow(op, sh, samples), nil
}

// rounds measures an operation on servers in turns, and gives the samples of
// each.
func (b *bench) rounds(ctx context.Context, servers []*server, op operation, sh shape) ([][]sample, error) {
	samples := make([][]sample, len(servers))
	for round := -1; round < b.cfg.Rounds; round++ { // the first one warms up
		for i := range servers {
			which := (i + round + 1) % len(servers)
			got, err := measure(ctx, servers[which], op, sh, round+1, b.cfg.Time)
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				samples[which] = append(samples[which], got)
			}
		}
	}
	return samples, nil
}

func measure(ctx context.Context, s target, op operation, sh shape, round int, d time.Duration) (sample, error) {
	l, err := openLoad(ctx, s, op, sh, round)
	if err != nil {
		return sample{}, err
	}
	defer l.close()
	return l.run(ctx, s, d)
}

func (b *bench) startAll(ctx context.Context, settings ...string) ([]*server, error) {
	var servers []*server
	for _, k := range b.kinds {
		s, err := startServer(ctx, k, b.cfg, settings...)
		if err != nil {
			removeAll(servers)
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

func removeAll(servers []*server) {
	for _, s := range servers {
		_ = s.remove()
	}
}

// each measures one figure on both servers in turns, each time on a server that
// was just started, and adds its row.
func (b *bench) each(ctx context.Context, r *Report, name, unit string, lowIsGood bool, rounds int, f func(*server) (float64, error)) error {
	b.progress(name)
	values := make([][]float64, len(b.kinds))
	for round := range rounds {
		for i := range b.kinds {
			which := (i + round) % len(b.kinds)
			s, err := startServer(ctx, b.kinds[which], b.cfg)
			if err != nil {
				return err
			}
			v, err := f(s)
			if err = errors.Join(err, s.remove()); err != nil {
				return fmt.Errorf("%s of %s: %w", name, b.kinds[which].name, err)
			}
			values[which] = append(values[which], v)
		}
	}
	r.Figures = append(r.Figures, newFigure(name, unit, lowIsGood, values))
	return nil
}
