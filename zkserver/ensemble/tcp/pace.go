package tcp

import "time"

const (
	minChunk = 16 << 10
	maxChunk = 4 << 20

	steadyChunk = 256 << 10

	// maxDelay is for how long a chunk may keep others from a link that they
	// share. It must be far below the time after which a follower that hears
	// nothing stands for election.
	maxDelay = 50 * time.Millisecond
)

// A pace says how large the chunks of a snapshot are, of which one is on its way
// at a time, and how long to wait between them. A chunk grows while it is there
// soon after the fastest one, and shrinks when it takes longer: then the link is
// slow, or others use it, too. It reads no clock.
type pace struct {
	rate    int // bytes in a second, at most
	chunk   int
	steady  bool          // it is not known when a chunk has arrived
	fastest time.Duration // lately
}

func newPace(rate int, steady bool) *pace {
	p := &pace{rate: rate, chunk: minChunk, steady: steady}
	if steady {
		p.chunk = steadyChunk
	}
	return p
}

// next notes that a chunk of n bytes has taken so long, and gives the time to
// wait before the next.
func (p *pace) next(n int, took time.Duration) time.Duration {
	wait := max(0, time.Duration(float64(n)/float64(p.rate)*float64(time.Second))-took)
	if p.steady {
		return wait
	}
	if p.fastest == 0 || took < p.fastest {
		p.fastest = took
	}
	switch late := took - p.fastest; {
	case late > maxDelay:
		p.chunk = max(p.chunk/2, minChunk)
	case late < maxDelay/2:
		p.chunk = min(2*p.chunk, maxChunk)
	}
	p.fastest += p.fastest / 128 // the way may have become a longer one
	return wait
}
