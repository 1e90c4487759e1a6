package tcp

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Who is refused tries again, every second and for each of its streams: each
// reason is logged once, and again after a while. A machine can make up reasons,
// and a stranger machines: what is logged is bounded for both.
const (
	refusalAgain = 10 * time.Minute
	maxReasons   = 8   // of one machine, in that time
	maxRefusals  = 256 // of all
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
	key := refused{host, reason(why)}
	r.mu.Lock()
	defer r.mu.Unlock()
	of := 0 // the same host
	for k, at := range r.said {
		if now.Sub(at) >= refusalAgain {
			delete(r.said, k)
		} else if k.host == host {
			of++
		}
	}
	if _, ok := r.said[key]; ok || of >= maxReasons || len(r.said) >= maxRefusals {
		return false
	}
	if r.said == nil {
		r.said = make(map[refused]time.Time)
	}
	r.said[key] = now
	return true
}

// reason is an error without the ports, which are others each time.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}
