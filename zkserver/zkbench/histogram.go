package zkbench

import (
	"math/bits"
	"time"
)

// A histogram counts durations with a resolution of 1/32 of their size, in
// little memory however many there are.
type histogram struct {
	counts [64 * subBuckets]uint32
	n      int
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.n++
}

func (h *histogram) merge(o *histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
}

// quantile is the least duration that a share q of all do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int(q * float64(h.n))
	for i, c := range h.counts {
		if rank -= int(c); rank < 0 {
			return time.Duration(bound(i))
		}
	}
	return 0
}

// bucket gives values of one power of two the same number of buckets.
func bucket(v uint64) int {
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift) - subBuckets
}

// bound is the least value in a bucket.
func bound(i int) uint64 {
	if i < subBuckets {
		return uint64(i)
	}
	shift := i>>subBits - 1
	return uint64(i&(subBuckets-1)+subBuckets) << shift
}
