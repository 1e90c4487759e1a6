package zkbench

import (
	"fmt"
	"slices"
	"time"
)

// A Verdict says whether a server stays as it is.
type Verdict struct {
	Steady  bool     `json:"steady"`
	Reasons []string `json:"reasons"` // one for each thing that was looked at
}

// leastSamples is how many samples a verdict needs, after the first quarter, in
// which a server finds its size.
const leastSamples = 8

// Judge says whether memory, open files and the data directory are flat and the
// latency steady. The first quarter of the samples does not count. With too few of
// them there is no verdict, and ok is false.
//
// Flat means that the line through the samples rises, from the first to the last,
// by no more than a fifth of their mean, or by no more than a floor: the files of
// the log and the memory that is garbage come and go. Steady means that the p99 of
// the last third is at most twice that of the first, or 5 ms more.
func Judge(samples []Sample) (v Verdict, ok bool) {
	samples = samples[len(samples)/4:]
	if len(samples) < leastSamples {
		return Verdict{}, false
	}
	v.Steady = true
	if samples[0].Resident > 0 {
		v.flat(samples, "resident memory", "MiB", 1<<20, 16<<20, func(s Sample) float64 { return float64(s.Resident) })
		v.flat(samples, "open files", "", 1, 8, func(s Sample) float64 { return float64(s.OpenFiles) })
		v.flat(samples, "size of the data", "MiB", 1<<20, 32<<20, func(s Sample) float64 { return float64(s.DataBytes) })
		v.flat(samples, "files of the data", "", 1, 4, func(s Sample) float64 { return float64(s.DataFiles) })
	}
	third := len(samples) / 3
	first, last := medianP99(samples[:third]), medianP99(samples[len(samples)-third:])
	v.add(last <= 2*first || last <= first+5*time.Millisecond, fmt.Sprintf("p99 was %v at first and %v at last", first, last))
	return v, true
}

func medianP99(samples []Sample) time.Duration {
	all := make([]time.Duration, len(samples))
	for i, s := range samples {
		all[i] = s.P99
	}
	slices.Sort(all)
	return all[len(all)/2].Round(10 * time.Microsecond)
}

// flat looks at one value. unit is what it is shown in, as large as size; floor is
// how much it may rise in any case.
func (v *Verdict) flat(samples []Sample, what, unit string, size, floor float64, of func(Sample) float64) {
	mean, slope := line(samples, of)
	span := (samples[len(samples)-1].At - samples[0].At).Hours()
	rise := slope * span
	v.add(rise <= max(floor, mean/5), fmt.Sprintf("%s: mean %.1f %s, slope %+.2f %s an hour", what, mean/size, unit, slope/size, unit))
}

func (v *Verdict) add(good bool, reason string) {
	v.Steady = v.Steady && good
	if !good {
		reason += "  <- not steady"
	}
	v.Reasons = append(v.Reasons, reason)
}

// line gives the mean and the slope, per hour, of the line with the least squares.
func line(samples []Sample, of func(Sample) float64) (mean, slope float64) {
	n := float64(len(samples))
	var at float64
	for _, s := range samples {
		at += s.At.Hours() / n
		mean += of(s) / n
	}
	var up, down float64
	for _, s := range samples {
		d := s.At.Hours() - at
		up += d * (of(s) - mean)
		down += d * d
	}
	if down > 0 {
		slope = up / down
	}
	return mean, slope
}
