package mwtest

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// An Event is something that happened to a process of a cluster, or that a
// test did.
type Event struct {
	At   time.Duration // since the cluster was started
	Who  string        // the process, or "" for a note
	What string
}

// String gives one line.
func (e Event) String() string {
	return strings.TrimRight(fmt.Sprintf("%9.3fs  %-8s %s", e.At.Seconds(), e.Who, e.What), " ")
}

// A timeline collects events. It may be used from any goroutine.
type timeline struct {
	began time.Time

	mu     sync.Mutex // protects events
	events []Event
}

func (tl *timeline) add(who, format string, args ...any) {
	e := Event{At: time.Since(tl.began), Who: who, What: fmt.Sprintf(format, args...)}
	tl.mu.Lock()
	defer tl.mu.Unlock()
	tl.events = append(tl.events, e)
}

func (tl *timeline) list() []Event {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return append([]Event(nil), tl.events...)
}
