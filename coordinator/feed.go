package coordinator

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// feeds has the followed paths of a session. Followers of one path share one
// feed.
type feeds struct {
	polling atomic.Int64 // feeds without a watch, waiting

	mu    sync.Mutex // protects the field below, and followers of each feed
	byKey map[watchKey]any
}

func (f *feeds) init() { f.byKey = make(map[watchKey]any) }

// A feed reads one path again and again, for all who follow it.
type feed[T any] struct {
	source[T]
	kick      chan struct{} // a new follower wants a reading of its own
	stop      context.CancelFunc
	followers int // protected by feeds.mu

	mu      sync.Mutex // protects the fields below
	state   T
	reading int           // number of the reading that gave state; 0: none yet
	begun   int           // number of the reading that was begun last
	changed chan struct{} // closed, and replaced, with each new state
	ended   bool
}

// A source is how a feed reads its path.
type source[T any] struct {
	key  watchKey
	path string

	// read returns the state and a channel that is closed when it has changed,
	// nil when there is no watch.
	read func(ctx context.Context, path string, absent absence) (T, <-chan struct{}, error)

	// exists says whether there is a znode in that state.
	exists func(T) bool

	// cost bounds what a reading of that state costs, however long it took.
	cost func(T) time.Duration
}

// follow gives the states of a path on a new channel.
func follow[T any](ctx context.Context, s *Session, src source[T]) <-chan T {
	out := make(chan T)
	if err := checkPath(src.path, false); err != nil {
		s.log.Error().Str("path", src.path).Err(err).Msg("path not followed")
		close(out)
		return out
	}
	f, seen := join(s, src)
	if f == nil || !s.spawn(func() { f.deliver(ctx, seen, out); leave(s, f) }) {
		close(out)
	}
	return out
}

// join returns the feed of a source, started for its first follower, and the
// number of the last reading that may have been made before the call. The feed
// is nil when the session has ended.
func join[T any](s *Session, src source[T]) (f *feed[T], seen int) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	if f, ok := s.feeds.byKey[src.key].(*feed[T]); ok {
		f.followers++
		defer signal(f.kick)
		return f, f.newest()
	}
	ctx, stop := context.WithCancel(s.ctx)
	f = &feed[T]{
		source: src, stop: stop, followers: 1,
		kick: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	if !s.spawn(func() { f.run(ctx, s) }) {
		stop()
		return nil, 0
	}
	s.feeds.byKey[src.key] = f
	return f, 0
}

// leave stops the feed after its last follower.
func leave[T any](s *Session, f *feed[T]) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	if f.followers--; f.followers == 0 {
		f.stop()
		delete(s.feeds.byKey, f.key)
	}
}

// run reads until ctx ends. Started by join.
//
//	watch fired             -> read, but no sooner than the pace allows
//	the znode is gone       -> look for it, then read and watch for its return
//	reconnected and synced  -> read
//	a new follower          -> read
//	resync timer            -> read
func (f *feed[T]) run(ctx context.Context, s *Session) {
	defer f.end()
	var trouble Backoff
	absent := watchReturn // until it was seen
	for {
		refreshed := s.refreshed()
		_, link := s.link()
		number, began := f.begin(), time.Now()
		state, fired, err := f.read(ctx, f.path, absent)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Warn().Str("path", f.path).Err(err).Msg("path not read")
			if trouble.Wait(ctx) != nil {
				return
			}
			continue
		}
		trouble = Backoff{}
		cost := min(time.Since(began), f.cost(state))
		if _, now := s.link(); now != link {
			cost = 0 // it was the reconnect that took so long
		}
		f.publish(state, number)
		gone := !f.exists(state)
		if gone && absent == unwatched {
			absent = watchReturn
			if !f.linger(ctx, s, refreshed) {
				return
			}
			continue
		}
		if !gone {
			absent = unwatched
		}
		if !f.await(ctx, s, fired, refreshed, began.Add(gap(cost))) {
			return
		}
	}
}

// await blocks until it is time for the next reading, for a change no sooner
// than earliest. It is false when ctx has ended.
func (f *feed[T]) await(ctx context.Context, s *Session, fired, refreshed <-chan struct{}, earliest time.Time) bool {
	every := resyncEvery
	if fired == nil {
		n := s.feeds.polling.Add(1)
		defer s.feeds.polling.Add(-1)
		every = max(pollEvery, time.Duration(n)*pollSpacing)
	}
	resync := time.NewTimer(jitter(every))
	defer resync.Stop()
	select {
	case <-fired:
		return f.hold(ctx, time.Until(earliest))
	case <-refreshed:
	case <-resync.C:
	case <-f.kick:
	case <-ctx.Done():
		return false
	}
	return true
}

// linger looks for the return of a znode that was just deleted, before a watch
// is set for it: most followers of what is gone leave, and the watch would stay.
// It is false when ctx has ended.
func (f *feed[T]) linger(ctx context.Context, s *Session, refreshed <-chan struct{}) bool {
	enough := time.NewTimer(lingerTime)
	defer enough.Stop()
	look := time.NewTicker(lingerEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if _, exists, err := s.Exists(ctx, f.path); exists || err != nil {
				return ctx.Err() == nil
			}
		case <-enough.C:
			return true
		case <-refreshed:
			return true
		case <-f.kick:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// hold blocks while changes gather. A new follower does not wait for them.
func (f *feed[T]) hold(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	pause := time.NewTimer(d)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-f.kick:
	case <-ctx.Done():
		return false
	}
	return true
}

// begin numbers the readings.
func (f *feed[T]) begin() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
	return f.begun
}

// newest returns the number of the reading begun last.
func (f *feed[T]) newest() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun
}

// publish makes a reading the state.
func (f *feed[T]) publish(state T, reading int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.reading = state, reading
	close(f.changed)
	f.changed = make(chan struct{})
}

// end tells the followers that there will be no more states.
func (f *feed[T]) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	close(f.changed)
	f.changed = make(chan struct{})
}

// next returns the state if it comes from a reading after the one numbered
// seen, and the channel to wait for another.
func (f *feed[T]) next(seen int) (state T, reading int, changed <-chan struct{}, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reading > seen {
		return f.state, f.reading, f.changed, f.ended
	}
	return state, 0, f.changed, f.ended
}

// deliver sends the states to one follower, the newest each time, beginning
// with the first that was read after the one numbered seen. It closes out.
func (f *feed[T]) deliver(ctx context.Context, seen int, out chan<- T) {
	defer close(out)
	for {
		state, reading, changed, ended := f.next(seen)
		if ended {
			return
		}
		to := out
		if reading == 0 {
			to = nil // nothing new
		}
		select {
		case to <- state:
			seen = reading
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
