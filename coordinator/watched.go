package coordinator

import (
	"context"

	"github.com/go-zookeeper/zk"
)

// watched reads a path with a watch on it: with the one that is there already,
// or with a new one. The read is made after the watch was set, or with it, so
// that every change after what was read fires. The channel is nil when there is
// no watch: we have too many, or the service does.
func watched[T any](
	ctx context.Context, s *Session, kind watchKind, path string,
	plain func(*zk.Conn, string) (T, error),
	setting func(*zk.Conn, string) (T, <-chan zk.Event, error),
) (T, <-chan struct{}, error) {
	key := watchKey{kind, s.abs(path)}
	readPlainly := func(fired <-chan struct{}) (T, <-chan struct{}, error) {
		v, err := read(ctx, s, func(conn *zk.Conn) (T, error) { return plain(conn, key.path) })
		return v, fired, err
	}
	pause := firstRepeat()
	var none T
	for {
		wt, mine := s.watches.take(key)
		if wt == nil {
			return readPlainly(nil)
		}
		if mine {
			v, kind, err := trySetting(ctx, s, key, wt, setting)
			switch {
			case err == nil || kind.answers():
				return v, wt.fired, err
			case kind == notNow:
				return readPlainly(nil)
			case s.pause(ctx, &pause) != nil:
				return none, nil, notSent(ctx, s)
			}
			continue
		}
		select {
		case <-wt.settled: // soon: another follower is setting it
		case <-ctx.Done():
			return none, nil, context.Cause(ctx)
		}
		if wt.set {
			return readPlainly(wt.fired)
		}
	}
}

// trySetting makes one attempt to set a watch we have taken. The call goes on
// when ctx ends, and then the watch is set without anybody waiting for it: so
// it is the call that decides whether the watch is counted.
func trySetting[T any](
	ctx context.Context, s *Session, key watchKey, wt *watch,
	setting func(*zk.Conn, string) (T, <-chan zk.Event, error),
) (T, class, error) {
	v, kind, err := try(ctx, s, func(conn *zk.Conn) (T, error) {
		v, events, err := setting(conn, key.path)
		if err == nil {
			s.armed(key, wt, events)
		} else {
			s.watches.drop(key, wt)
		}
		return v, err
	})
	if kind == notExecuted { // not even begun, perhaps
		s.watches.drop(key, wt)
	}
	return v, kind, err
}
