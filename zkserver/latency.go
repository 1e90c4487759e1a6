package zkserver

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/admin"
)

// A histogram counts durations. To add one costs two atomic additions and two
// loads, so it is for the path of every request. The zero value is empty.
//
// Its buckets are in microseconds, four to each power of two: a quantile is off
// by an eighth at most.
type histogram struct {
	counts [histogramBuckets]atomic.Int64
	sum    atomic.Int64 // ns
	max    atomic.Int64 // ns
	min    atomic.Int64 // ns, plus 1; 0 while there is none
	_      [40]byte     // its neighbour is another processor's
}

// histogramBuckets reach to over two minutes; what is longer is in the last.
const histogramBuckets = 108

func (h *histogram) add(d time.Duration) { h.addSome(d, 1) }

// addSome adds a duration n times.
func (h *histogram) addSome(d time.Duration, n int) {
	d = max(d, 0)
	h.counts[bucketOf(d)].Add(int64(n))
	h.sum.Add(int64(d) * int64(n))
	for old := h.max.Load(); int64(d) > old && !h.max.CompareAndSwap(old, int64(d)); {
		old = h.max.Load()
	}
	for old := h.min.Load(); (old == 0 || int64(d) < old-1) && !h.min.CompareAndSwap(old, int64(d)+1); {
		old = h.min.Load()
	}
}

func bucketOf(d time.Duration) int {
	v := uint64(d / time.Microsecond)
	if v < 4 {
		return int(v)
	}
	exp := bits.Len64(v) - 1
	return min((exp-1)*4+int(v>>(exp-2))&3, histogramBuckets-1)
}

// bucketStart is the least number of microseconds in a bucket.
func bucketStart(i int) float64 {
	if i < 4 {
		return float64(i)
	}
	return math.Ldexp(float64(4+i%4), i/4-1)
}

// reset empties the histogram. What is added meanwhile may be lost in part.
func (h *histogram) reset() {
	for i := range h.counts {
		h.counts[i].Store(0)
	}
	h.sum.Store(0)
	h.max.Store(0)
	h.min.Store(0)
}

// quantiles are those that somebody asks for: mntr and Prometheus.
var quantiles = []float64{0.5, 0.9, 0.95, 0.99, 0.999}

// summarize sums up some histograms as one, in milliseconds.
func summarize(all ...*histogram) admin.Summary {
	var counts [histogramBuckets]int64
	var s admin.Summary
	least, total := int64(math.MaxInt64), int64(0)
	for _, h := range all {
		for i := range counts {
			n := h.counts[i].Load()
			counts[i] += n
			total += n
		}
		s.Sum += float64(h.sum.Load()) / 1e6
		s.Max = max(s.Max, float64(h.max.Load())/1e6)
		if v := h.min.Load(); v > 0 {
			least = min(least, v-1)
		}
	}
	s.Count = float64(total)
	if total > 0 && least < math.MaxInt64 {
		s.Min = float64(least) / 1e6
	}
	for _, part := range quantiles {
		s.Quantiles = append(s.Quantiles, admin.Quantile{Part: part, Value: quantile(&counts, total, part, s.Min, s.Max)})
	}
	return s
}

// quantile is in the middle of the bucket where that part of all is reached.
func quantile(counts *[histogramBuckets]int64, total int64, part, least, most float64) float64 {
	rank := int64(math.Ceil(part * float64(total)))
	for i, n := range counts {
		if rank -= n; n > 0 && rank <= 0 {
			middle := (bucketStart(i) + bucketStart(i+1)) / 2 / 1e3
			return min(max(middle, least), most)
		}
	}
	return 0
}
