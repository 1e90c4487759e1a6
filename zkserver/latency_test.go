package zkserver

import (
	"math"
	"testing"
	"time"
)

func TestBucketsFollowEachOther(t *testing.T) {
	for i := range histogramBuckets - 1 {
		low, next := bucketStart(i), bucketStart(i+1)
		if next <= low {
			t.Fatalf("bucket %d starts at %v, the next at %v", i, low, next)
		}
		for _, us := range []float64{low, next - 1} {
			if got := bucketOf(time.Duration(us) * time.Microsecond); got != i {
				t.Errorf("%v µs is in bucket %d, want %d", us, got, i)
			}
		}
	}
	if got := bucketOf(time.Hour); got != histogramBuckets-1 {
		t.Errorf("an hour is in bucket %d", got)
	}
}

func TestQuantilesAreOffByAnEighthAtMost(t *testing.T) {
	var low, high histogram
	for i := 1; i <= 1000; i++ {
		h := &low
		if i%2 == 0 {
			h = &high
		}
		h.add(time.Duration(i) * time.Millisecond)
	}
	s := summarize(&low, &high)
	if s.Count != 1000 || s.Sum != 500500 || s.Min != 1 || s.Max != 1000 {
		t.Errorf("summary %+v", s)
	}
	for _, q := range s.Quantiles {
		if want := q.Part * 1000; math.Abs(q.Value-want) > want/8 {
			t.Errorf("quantile %v is %v, want about %v", q.Part, q.Value, want)
		}
	}
	low.reset()
	high.reset()
	if s := summarize(&low, &high); s.Count != 0 || s.Min != 0 || s.Max != 0 || s.At(0.5) != 0 {
		t.Errorf("after a reset: %+v", s)
	}
	low.add(-time.Second) // a clock that was set back
	if s := summarize(&low); s.Count != 1 || s.Min != 0 {
		t.Errorf("a negative duration: %+v", s)
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h histogram
	for b.Loop() {
		h.add(1234 * time.Microsecond)
	}
}
