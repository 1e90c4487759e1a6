package coordinator

import (
	"sync"

	"github.com/go-zookeeper/zk"
)

// watchKind tells the two kinds of watches of the service apart. Watching for
// a znode to be created is of kind data.
type watchKind uint8

const (
	dataWatch watchKind = iota
	childWatch
)

type watchKey struct {
	kind watchKind
	path string // with the chroot
}

// A watch is one promise of the service to tell of the next change at a path.
// It stays until it fires or the session ends, for the library cannot take it
// back: so it may outlive whoever asked, and serve the next who asks.
type watch struct {
	settled chan struct{} // closed when it is known whether the watch is set
	set     bool          // valid once settled is closed
	fired   chan struct{} // closed when it fires
}

// watches has the watches of a session, at most one for each key, and bounds
// their number by the bytes of their paths.
type watches struct {
	mu    sync.Mutex // protects the fields below, and set of each watch
	byKey map[watchKey]*watch
	bytes int
}

func (w *watches) init() { w.byKey = make(map[watchKey]*watch) }

// take returns the watch for key. If there is none it makes one, mine is true,
// and the caller must set or drop it. It is nil when there are too many.
func (w *watches) take(key watchKey) (wt *watch, mine bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wt := w.byKey[key]; wt != nil {
		return wt, false
	}
	if w.bytes+watchCost(key) > maxWatchBytes {
		return nil, false
	}
	wt = &watch{settled: make(chan struct{}), fired: make(chan struct{})}
	w.byKey[key] = wt
	w.bytes += watchCost(key)
	return wt, true
}

// set notes that the service has set the watch.
func (w *watches) set(wt *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wt.set = true
	close(wt.settled)
}

// drop forgets a watch that could not be set. It does nothing to one that is
// set.
func (w *watches) drop(key watchKey, wt *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !isClosed(wt.settled) {
		close(wt.settled)
		w.remove(key)
	}
}

// fire forgets a watch that was set, and tells who waits for it.
func (w *watches) fire(key watchKey, wt *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(key)
	close(wt.fired)
}

func (w *watches) remove(key watchKey) {
	delete(w.byKey, key)
	w.bytes -= watchCost(key)
}

// watchCost is what a watch takes in the request that renews it.
func watchCost(key watchKey) int { return 4 + len(key.path) }

// armed makes the library's event channel fire the watch.
func (s *Session) armed(key watchKey, wt *watch, events <-chan zk.Event) {
	s.watches.set(wt)
	s.spawn(func() {
		<-events // one event: a change, or the end of the session
		s.watches.fire(key, wt)
	})
}
