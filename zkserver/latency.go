package zkserver

import "time"

// latency sums up how long writes took, from receipt to reply. It is protected
// by replica.mu.
type latency struct {
	min, max, sum time.Duration
	count         int64
}

func (l *latency) add(took time.Duration) {
	if l.count == 0 || took < l.min {
		l.min = took
	}
	l.max = max(l.max, took)
	l.sum += took
	l.count++
}

func (l *latency) avgMillis() float64 {
	if l.count == 0 {
		return 0
	}
	return float64(l.sum) / float64(l.count) / float64(time.Millisecond)
}
