package zkbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// EnsembleConfig says what to measure of ensembles of three. Of [Config], Znodes
// and Watchers are not used, and Rows has names of [EnsembleRows].
type EnsembleConfig struct {
	Config

	// Kills is how often the leader is killed, and Stops how often it is asked to
	// end, of each ensemble. Default: 30 and 10.
	Kills, Stops int
}

// EnsembleRows are the names that [EnsembleConfig].Rows may have.
var EnsembleRows = []string{"create", "set", "get", "kill", "stop"}

// An EnsembleReport is what was measured of ensembles.
type EnsembleReport struct {
	Report
	Failovers []Failover `json:"failovers"`
}

var ensembleShapes = []shape{{64, 1}, {8, 64}}

// RunEnsemble measures ensembles of three of both kinds: creates and sets with
// connections to all members, reads with connections to the followers, and how long
// no write is acknowledged when the leader is killed, or is asked to end. progress
// is told what is being done.
func RunEnsemble(ctx context.Context, cfg EnsembleConfig, progress func(string)) (*EnsembleReport, error) {
	var err error
	if cfg.Config, err = cfg.Config.withDefaults(); err != nil {
		return nil, err
	}
	cfg.Kills, cfg.Stops = cmp.Or(cfg.Kills, 30), cmp.Or(cfg.Stops, 10)
	b := &ensembleBench{cfg: cfg, progress: progress, kinds: ensembleKinds}
	if cfg.Alone {
		b.kinds = b.kinds[:1]
	}
	r := &EnsembleReport{Report: Report{Rounds: cfg.Rounds, Time: cfg.Time}}
	for _, step := range []func(context.Context, *EnsembleReport) error{b.throughput, b.failovers} {
		if err := step(ctx, r); err != nil {
			return r, fmt.Errorf("zkbench: %w", err)
		}
	}
	return r, nil
}

type ensembleBench struct {
	cfg      EnsembleConfig
	progress func(string)
	kinds    []func(int, []place) kind
}

func (b *ensembleBench) wanted(name string) bool {
	return len(b.cfg.Rows) == 0 || slices.Contains(b.cfg.Rows, name)
}

// throughput measures every operation in every shape.
func (b *ensembleBench) throughput(ctx context.Context, r *EnsembleReport) error {
	for _, op := range operations {
		if !slices.Contains(EnsembleRows, op.name) || !b.wanted(op.name) {
			continue
		}
		for _, sh := range ensembleShapes {
			b.progress(fmt.Sprintf("%s %v on three members", op.name, sh))
			row, err := b.row(ctx, op, sh)
			if err != nil {
				return err
			}
			r.Rows = append(r.Rows, row)
		}
	}
	return nil
}

// row measures an operation on ensembles of its own.
func (b *ensembleBench) row(ctx context.Context, op operation, sh shape) (Row, error) {
	ensembles, err := b.startAll(ctx)
	if err != nil {
		return Row{}, err
	}
	defer removeEnsembles(ensembles)
	samples := make([][]sample, len(ensembles))
	for round := -1; round < b.cfg.Rounds; round++ { // the first one warms up
		for i := range ensembles {
			which := (i + round + 1) % len(ensembles)
			on, err := where(ctx, ensembles[which], op)
			if err != nil {
				return Row{}, err
			}
			got, err := measure(ctx, on, op, sh, round+1, b.cfg.Time)
			if err != nil {
				return Row{}, err
			}
			if round >= 0 {
				samples[which] = append(samples[which], got)
			}
		}
	}
	row := newRow(op, sh, samples)
	if !op.write {
		row.Operation += " on followers"
	}
	return row, nil
}

// where is what an operation is measured on: all members, or, a read, the followers.
func where(ctx context.Context, e *ensemble, op operation) (target, error) {
	_, others, err := e.roles(ctx)
	if err != nil || op.write {
		return e, err
	}
	return followers{e, others}, nil
}

func (b *ensembleBench) startAll(ctx context.Context) ([]*ensemble, error) {
	var all []*ensemble
	for _, k := range b.kinds {
		e, err := startEnsemble(ctx, k, b.cfg.Config)
		if err != nil {
			return nil, errors.Join(err, removeEnsembles(all))
		}
		all = append(all, e)
	}
	return all, nil
}

func removeEnsembles(all []*ensemble) error {
	var errs []error
	for _, e := range all {
		errs = append(errs, e.remove())
	}
	return errors.Join(errs...)
}

// Print writes the report as tables.
func (r *EnsembleReport) Print(w io.Writer) error {
	if len(r.Rows) > 0 {
		if err := r.Report.Print(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if len(r.Failovers) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "the leader is\tserver\ttimes\tmedian\tmin\tmax\trequests lost\tconnections lost\t")
	for _, f := range r.Failovers {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%s\t%d\t%d\t\n", f.What, f.Server, len(f.Took),
			millis(f.Median()), millis(slices.Min(f.Took)), millis(slices.Max(f.Took)), f.Requests, f.Connections)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n"+strings.TrimSpace(`
killed: from kill -9 of the leader to the next acknowledged write of a client of another member
stopped: the longest time without an acknowledged write, from SIGTERM to the leader until it has ended
its own client: the same of a client of the leader, which has to find another member`))
	return err
}

// A Failover is how one of the servers took the loss of its leader.
type Failover struct {
	What   string          `json:"what"` // "killed" or "stopped", and whose client it is, if of the leader
	Server string          `json:"server"`
	Took   []time.Duration `json:"took_ns"` // of each

	// What the client lost in all of them: requests that ended with their connection,
	// and connections. Its session it must not lose.
	Requests    int `json:"requests_lost"`
	Connections int `json:"connections_lost"`
}

// Median is that of Took.
func (f Failover) Median() time.Duration {
	return median(f.Took, func(d time.Duration) time.Duration { return d })
}
