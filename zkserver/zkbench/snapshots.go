package zkbench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Both servers count their snapshots, and one that has written so little takes
// another as soon as the last is finished.
var (
	snapshotsOn  = []string{"4lw.commands.whitelist=mntr", "snapCount=50"}
	snapshotsOff = []string{"4lw.commands.whitelist=mntr", "snapCount=1000000000", "snapSizeLimitInKb=1000000000"}
)

// snapshotShape leaves the servers time between requests: with full queues a
// snapshot takes throughput, but is not seen in the latency.
var snapshotShape = shape{16, 1}

// snapshots measures what a snapshot does to those who write meanwhile: creates
// and sets beside a large tree, on servers that write a snapshot after the other,
// and on servers that write none. All are measured in turns.
func (b *bench) snapshots(ctx context.Context, r *Report) error {
	if !b.wanted("snapshot") || b.cfg.Znodes < 0 {
		return nil
	}
	n := max(1, b.cfg.Znodes/5000) * 1000
	b.progress(fmt.Sprintf("writes beside snapshots of %d znodes", n))
	var servers []*server
	defer func() { removeAll(servers) }()
	for _, settings := range [][]string{snapshotsOff, snapshotsOn} {
		pair, err := b.startAll(ctx, settings...)
		if err != nil {
			return err
		}
		servers = append(servers, pair...)
	}
	for _, s := range servers {
		if err := grow(ctx, s, n); err != nil {
			return fmt.Errorf("grow a tree on %s: %w", s.kind.name, err)
		}
	}
	return b.besideSnapshots(ctx, r, servers, n)
}

// besideSnapshots measures on servers that take no snapshots, one of each kind,
// and as many that do.
func (b *bench) besideSnapshots(ctx context.Context, r *Report, servers []*server, n int) error {
	kinds := len(b.kinds)
	began, err := written(ctx, servers[kinds:])
	if err != nil {
		return err
	}
	for _, op := range operations {
		if op.name != "create" && op.name != "set" {
			continue
		}
		samples, err := b.rounds(ctx, servers, op, snapshotShape)
		if err != nil {
			return err
		}
		name := op.name
		op.name = name + ", no snapshot"
		r.Rows = append(r.Rows, newRow(op, snapshotShape, samples[:kinds]))
		op.name = name + ", snapshots"
		r.Rows = append(r.Rows, newRow(op, snapshotShape, samples[kinds:]))
	}
	ended, err := written(ctx, servers[kinds:])
	if err != nil {
		return err
	}
	each := make([][]float64, kinds)
	for i := range each {
		each[i] = []float64{(ended[i].took - began[i].took).Seconds() / max(1, ended[i].count-began[i].count)}
	}
	// 0 when none was written: the rows then show nothing.
	r.Figures = append(r.Figures, newFigure(fmt.Sprintf("a snapshot of %d znodes beside writes", n), "s", true, each))
	return nil
}

// A snapshotCount is how many snapshots a server has written, and the time that
// it took.
type snapshotCount struct {
	count float64
	took  time.Duration
}

func written(ctx context.Context, servers []*server) ([]snapshotCount, error) {
	var all []snapshotCount
	for _, s := range servers {
		values, err := monitor(ctx, s.addr())
		if err != nil {
			return nil, fmt.Errorf("mntr of %s: %w", s.kind.name, err)
		}
		all = append(all, snapshotCount{
			count: values["zk_cnt_snapshottime"],
			took:  time.Duration(values["zk_sum_snapshottime"] * float64(time.Millisecond)),
		})
	}
	return all, nil
}

// monitor asks mntr and gives the numbers in its answer.
func monitor(ctx context.Context, addr string) (map[string]float64, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(nc, "mntr"); err != nil {
		return nil, err
	}
	return parseMonitor(nc)
}

// parseMonitor reads lines of a name, a tab and a value.
func parseMonitor(r io.Reader) (map[string]float64, error) {
	values := make(map[string]float64)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), "\t")
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			values[name] = v
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("no numbers in the answer")
	}
	return values, nil
}
