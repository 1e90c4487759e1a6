package zkbench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// A Report is what was measured. In pairs, ours is first and Apache ZooKeeper's,
// unless it was left out, second.
type Report struct {
	Rounds  int           `json:"rounds"`
	Time    time.Duration `json:"time_ns"`
	Rows    []Row         `json:"rows"`
	Figures []Figure      `json:"figures"`
}

// A Row is one operation in one shape: medians over the rounds.
type Row struct {
	Operation string          `json:"operation"`
	Shape     string          `json:"shape"`
	PerSecond []float64       `json:"per_second"`
	P50       []time.Duration `json:"p50_ns"`
	P99       []time.Duration `json:"p99_ns"`

	// CPU is what the server took per 1,000,000 requests; for a multi, per
	// 1,000,000 of its creates.
	CPU []time.Duration `json:"cpu_ns"`
}

// A Figure is one number of both, a median over the rounds.
type Figure struct {
	Name      string    `json:"name"`
	Unit      string    `json:"unit"`
	LowIsGood bool      `json:"low_is_good"`
	Values    []float64 `json:"values"`
}

func newRow(op operation, sh shape, samples [][]sample) Row {
	row := Row{Operation: op.name, Shape: sh.String()}
	per := 1
	if op.name == "multi" {
		per = 100
	}
	for _, all := range samples {
		row.PerSecond = append(row.PerSecond, median(all, func(s sample) float64 { return s.perSecond }))
		row.P50 = append(row.P50, median(all, func(s sample) time.Duration { return s.p50 }))
		row.P99 = append(row.P99, median(all, func(s sample) time.Duration { return s.p99 }))
		row.CPU = append(row.CPU, median(all, func(s sample) time.Duration {
			return time.Duration(float64(s.cpu) / float64(max(1, s.requests*per)) * 1e6)
		}))
	}
	return row
}

func newFigure(name, unit string, lowIsGood bool, values [][]float64) Figure {
	f := Figure{Name: name, Unit: unit, LowIsGood: lowIsGood}
	for _, all := range values {
		f.Values = append(f.Values, median(all, func(v float64) float64 { return v }))
	}
	return f
}

func median[S any, T cmp.Ordered](all []S, of func(S) T) T {
	values := make([]T, len(all))
	for i, s := range all {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Ratio says how many times better ours is: 2 is twice as many requests a
// second, or half the time or memory. It is 0 without the other.
func (f Figure) Ratio() float64 {
	if len(f.Values) < 2 || f.Values[0] == 0 || f.Values[1] == 0 {
		return 0
	}
	if f.LowIsGood {
		return f.Values[1] / f.Values[0]
	}
	return f.Values[0] / f.Values[1]
}

// Ratio is that of the requests a second.
func (r Row) Ratio() float64 { return Figure{Values: r.PerSecond}.Ratio() }

// Print writes the report as two tables.
func (r *Report) Print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.Rows) > 0 {
		fmt.Fprintln(tw, "operation\tshape\tmw/s\tApache/s\tratio\tmw p50\tp99\tApache p50\tp99\tCPU s per million\tApache\t")
	}
	for _, row := range r.Rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", row.Operation, row.Shape,
			cell(row.PerSecond, 0, whole), cell(row.PerSecond, 1, whole), times(row.Ratio()),
			cell(row.P50, 0, millis), cell(row.P99, 0, millis), cell(row.P50, 1, millis), cell(row.P99, 1, millis),
			cell(row.CPU, 0, seconds), cell(row.CPU, 1, seconds))
	}
	if len(r.Figures) > 0 {
		fmt.Fprintln(tw, "\t\t\t\t\t\t\t\t\t\t\t")
		fmt.Fprintln(tw, "figure\tunit\tmw\tApache\tratio\t\t\t\t\t\t\t")
	}
	for _, f := range r.Figures {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t\t\t\t\t\t\t\n", f.Name, f.Unit, cell(f.Values, 0, plain), cell(f.Values, 1, plain), times(f.Ratio()))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nmedians of %d rounds, %v each; a ratio above 1 is in our favour\n", r.Rounds, r.Time)
	return err
}

// cell shows one of a pair, or nothing when it was not measured.
func cell[T any](pair []T, i int, show func(T) string) string {
	if i >= len(pair) {
		return "-"
	}
	return show(pair[i])
}

func whole(v float64) string         { return fmt.Sprintf("%.0f", v) }
func plain(v float64) string         { return fmt.Sprintf("%.4g", v) }
func millis(d time.Duration) string  { return fmt.Sprintf("%.2fms", d.Seconds()*1e3) }
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }

func times(ratio float64) string {
	if ratio == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio)
}
