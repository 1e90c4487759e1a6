package zkbench

import (
	"testing"
	"time"
)

func TestBucketsFollowEachOther(t *testing.T) {
	for i := range 40 << subBits {
		if low := bound(i); bucket(low) != i || low > 0 && bucket(low-1) != i-1 {
			t.Fatalf("bucket %d begins at %d, which is in %d, and %d before it", i, low, bucket(low), bucket(low-1))
		}
	}
}

func TestQuantilesAreWithinAThirtySecond(t *testing.T) {
	var h, other histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	other.merge(&h)
	for _, q := range []float64{0.5, 0.9, 0.99} {
		want := time.Duration(q*1000) * time.Microsecond
		if got := other.quantile(q); got > want+time.Microsecond || got < want*31/32 {
			t.Errorf("quantile %v is %v, want about %v", q, got, want)
		}
	}
}
