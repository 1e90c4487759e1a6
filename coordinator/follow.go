package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

// Children is a state of [Session.FollowChildren].
//
// It is authoritative also when Exists is false: there was no such znode, hence
// no children. A znode that was deleted and made again has another Stat.Czxid;
// its children, even those with names known from before, are others, and its
// sequence begins at 0 again. (A follower may have skipped the time between.)
type Children struct {
	Names  []string // in no order; shared with other followers: do not modify
	Exists bool
	Stat   Stat // of the znode itself; zero when it does not exist
}

// Data is a state of [Session.FollowData].
type Data struct {
	Bytes  []byte // shared with other followers: do not modify
	Exists bool
	Stat   Stat
}

// FollowChildren gives the children of a znode: as they are now, and again
// after every change, after every reconnect, and about once a minute. A znode
// that is missing is followed until it appears. (Within a second after it was
// deleted, that may be noticed 50 ms late.)
//
// The newest state wins: a slow reader skips states and never misses the last.
// The first change after a quiet time is delivered at once; while changes keep
// coming, at most a quarter of the time goes into listing them. The channel is
// closed when ctx or the session ends.
func (s *Session) FollowChildren(ctx context.Context, path string) <-chan Children {
	return follow(ctx, s, source[Children]{
		key: watchKey{childWatch, s.abs(path)}, path: path, read: s.readChildren,
		exists: func(c Children) bool { return c.Exists },
		cost:   func(c Children) time.Duration { return cheap + time.Duration(len(c.Names))*perName },
	})
}

// FollowData gives the data of a znode in the same way.
func (s *Session) FollowData(ctx context.Context, path string) <-chan Data {
	return follow(ctx, s, source[Data]{
		key: watchKey{dataWatch, s.abs(path)}, path: path, read: s.readData,
		exists: func(d Data) bool { return d.Exists },
		cost:   func(Data) time.Duration { return cheap },
	})
}

// AwaitExists blocks until a znode exists. The error is the cause of ctx's or
// of the session's end.
func (s *Session) AwaitExists(ctx context.Context, path string) error {
	return s.await(ctx, path, func(d Data) bool { return d.Exists })
}

// AwaitGone blocks until a znode does not exist. The error is the cause of
// ctx's or of the session's end.
func (s *Session) AwaitGone(ctx context.Context, path string) error {
	return s.await(ctx, path, func(d Data) bool { return !d.Exists })
}

func (s *Session) await(ctx context.Context, path string, is func(Data) bool) error {
	if err := checkPath(path, false); err != nil {
		return fmt.Errorf("await %s: %w", path, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for d := range s.FollowData(ctx, path) {
		if is(d) {
			return nil
		}
	}
	return fmt.Errorf("await %s: %w", path, s.whyEnded(ctx))
}

// whyEnded says what closed a follower's channel.
func (s *Session) whyEnded(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return context.Cause(ctx)
}

// readChildren lists a znode and returns a channel that is closed when the list
// changes, nil when there is no watch.
func (s *Session) readChildren(ctx context.Context, path string, absent absence) (Children, <-chan struct{}, error) {
	list := func(conn *zk.Conn, abs string) (Children, error) {
		names, stat, err := conn.Children(abs)
		return Children{Names: names, Exists: true, Stat: statOf(stat)}, err
	}
	listW := func(conn *zk.Conn, abs string) (Children, <-chan zk.Event, error) {
		names, stat, events, err := conn.ChildrenW(abs)
		return Children{Names: names, Exists: true, Stat: statOf(stat)}, events, err
	}
	c, fired, err := watched(ctx, s, childWatch, path, list, listW)
	if !errors.Is(err, ErrNoNode) {
		return c, fired, err
	}
	if absent == unwatched {
		return Children{}, nil, nil
	}
	d, fired, err := s.readExists(ctx, path)
	if d.Exists { // it has just appeared: list it at once
		fired = alreadyFired
	}
	return Children{}, fired, err
}

// readData reads a znode and returns a channel that is closed when it changes,
// nil when there is no watch.
func (s *Session) readData(ctx context.Context, path string, absent absence) (Data, <-chan struct{}, error) {
	get := func(conn *zk.Conn, abs string) (Data, error) {
		data, stat, err := conn.Get(abs)
		return Data{Bytes: data, Exists: true, Stat: statOf(stat)}, err
	}
	getW := func(conn *zk.Conn, abs string) (Data, <-chan zk.Event, error) {
		data, stat, events, err := conn.GetW(abs)
		return Data{Bytes: data, Exists: true, Stat: statOf(stat)}, events, err
	}
	d, fired, err := watched(ctx, s, dataWatch, path, get, getW)
	if !errors.Is(err, ErrNoNode) {
		return d, fired, err
	}
	if absent == unwatched {
		return Data{}, nil, nil
	}
	d, fired, err = s.readExists(ctx, path)
	if d.Exists { // it has just appeared: read it at once
		return Data{}, alreadyFired, err
	}
	return d, fired, err
}

// absence says what a reading does about a znode that is missing. A watch for
// its return stays for as long as the session if it does not return, as what
// has a name of its own never does: workers, contenders for a lock.
type absence uint8

const (
	unwatched   absence = iota // only tell
	watchReturn                // watch for its return
)

// readExists looks for a znode and returns a channel that is closed when it
// appears.
func (s *Session) readExists(ctx context.Context, path string) (Data, <-chan struct{}, error) {
	look := func(conn *zk.Conn, abs string) (Data, error) {
		exists, stat, err := conn.Exists(abs)
		return Data{Exists: exists, Stat: statOf(stat)}, err
	}
	lookW := func(conn *zk.Conn, abs string) (Data, <-chan zk.Event, error) {
		exists, stat, events, err := conn.ExistsW(abs)
		return Data{Exists: exists, Stat: statOf(stat)}, events, err
	}
	return watched(ctx, s, dataWatch, path, look, lookW)
}

var alreadyFired = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Pacing of a follower.
const (
	resyncEvery = time.Minute          // even if no watch fires, ±50 %
	pollEvery   = time.Second          // when there are too many watches, ±50 %
	pollSpacing = 2 * time.Millisecond // times the number of those who poll
	lingerTime  = time.Second          // after a deletion, before a watch is set for the return
	lingerEvery = 50 * time.Millisecond
	maxGap      = 2 * time.Second // between readings, however much they cost
	costFactor  = 4               // a reading that cost d is repeated no sooner than 4 d after it began

	// A short list that takes long to come waits behind others: that is no
	// cost of its own.
	cheap   = time.Millisecond
	perName = 2 * time.Microsecond
)

// gap says how long after the beginning of a reading that cost so much the
// next may begin.
func gap(cost time.Duration) time.Duration { return min(costFactor*cost, maxGap) }
