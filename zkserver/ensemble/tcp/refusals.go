package tcp

import (
	"net"
	"sync"
	"time"
)

// Who is refused tries again, every second and for each of its streams: each
// reason is logged once, and again after a while.
const (
	refusalAgain = 10 * time.Minute
	maxRefusals  = 256 // from strangers, too
)

// refusals remember why machines were refused.
type refusals struct {
	mu   sync.Mutex // protects said
	said map[refused]time.Time
}

type refused struct{ host, why string }

// fresh reports whether a refusal is worth a line.
func (r *refusals) fresh(from net.Addr, why error, now time.Time) bool {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refused{host, why.Error()}
	if at, ok := r.said[key]; ok && now.Sub(at) < refusalAgain {
		return false
	}
	if r.said == nil || len(r.said) >= maxRefusals {
		r.said = make(map[refused]time.Time)
	}
	r.said[key] = now
	return true
}
