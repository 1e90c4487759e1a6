package coordinator

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A LockRequest says which lock is wanted, and how.
type LockRequest struct {
	// Path of the lock. It is created when missing, as a container: the service
	// deletes it when it has not been used for a while.
	Path string

	// Shared locks are held by any number at a time, but not beside one that is
	// not shared. Only contenders of this package understand them.
	Shared bool

	// NoWait makes the request fail with ErrLockHeld where it would wait.
	NoWait bool

	// Note is the data of our place in the queue, for people who look who holds
	// the lock.
	Note []byte
}

// Lock is a lock of the service that we hold: the first of the ephemeral
// sequential znodes under its path.
type Lock struct {
	own   ownership
	place place
}

// Lock blocks until the session holds the lock at path, and nobody else. It is
// Acquire for the simplest request.
func (s *Session) Lock(ctx context.Context, path string) (*Lock, error) {
	return s.Acquire(ctx, LockRequest{Path: path})
}

// Acquire blocks until the session holds a lock. Contenders are served in the
// order they came; each watches only the one before it that it has to wait for,
// so that a release wakes one, or the readers that come next. A session that
// asks twice waits for itself.
//
// The error is the cause of ctx's or the session's end, ErrLockHeld,
// ErrLockLost when somebody deleted our place in the queue, or a definite
// refusal. We are in the queue no more then, or will be out of it shortly.
func (s *Session) Acquire(ctx context.Context, r LockRequest) (*Lock, error) {
	lock, err := s.acquire(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", r.Path, err)
	}
	return lock, nil
}

func (s *Session) acquire(ctx context.Context, r LockRequest) (*Lock, error) {
	word := lockWord
	if r.Shared {
		word = readWord
	}
	if r.NoWait { // who is refused leaves no trace
		names, _, err := s.Children(ctx, r.Path)
		if err != nil && !errors.Is(err, ErrNoNode) {
			return nil, err
		}
		if busy(names, r.Shared) {
			return nil, ErrLockHeld
		}
	}
	p, err := s.enter(ctx, r.Path, word, r.Note, s.ensureContainer)
	if err != nil {
		return nil, err
	}
	lock, err := s.awaitTurn(ctx, p, r.NoWait)
	if err != nil {
		s.withdraw(p)
		return nil, err
	}
	return lock, nil
}

// awaitTurn blocks until the place is the first in the queue, or until nobody is
// before it whom it has to wait for.
func (s *Session) awaitTurn(ctx context.Context, p place, noWait bool) (*Lock, error) {
	for {
		names, _, err := s.Children(ctx, p.path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if name != p.name && strings.HasPrefix(name, p.mark) { // else we would wait for ourselves
				if err := s.remove(ctx, p.path+"/"+name); err != nil {
					return nil, err
				}
			}
		}
		ahead, queued := predecessor(names, p.name, p.mark)
		switch {
		case !queued:
			return nil, ErrLockLost
		case ahead == "":
			return s.take(ctx, p)
		case noWait:
			return nil, ErrLockHeld
		}
		if err := s.AwaitGone(ctx, p.path+"/"+ahead); err != nil {
			return nil, err
		}
	}
}

// take returns the lock that the place has come to hold.
func (s *Session) take(ctx context.Context, p place) (*Lock, error) {
	own, err := s.own(ctx, p.self(), ErrLockLost)
	if errors.Is(err, ErrNoNode) {
		return nil, ErrLockLost
	}
	if err != nil {
		return nil, err
	}
	return &Lock{own, p}, nil
}

// Context ends when the lock is no longer ours, with a cause: ErrClosed when it
// was released, ErrLockLost when somebody deleted its znode, ErrSessionLost when
// the session is lost or suspected lost.
//
// A process that was stopped for a while finds its Context alive for a moment
// after it wakes, though the lock may be another's; see [Lock.Held].
func (l *Lock) Context() context.Context { return l.own.ctx }

// Held reports whether the lock is ours at this moment, by the clock and without
// asking the service: no one else has held it since Acquire returned, unless an
// operator deleted our znode and we were not told yet. After a stop of the process
// that outlasted the lease it is false at once. When it is false it stays so.
//
// What is done after the answer may still be done late, if the process is stopped
// in between: what the lock protects should refuse an older [Lock.Fence].
func (l *Lock) Held() bool {
	return l.own.ctx.Err() == nil && l.own.s.stillOurs(context.Background()) == nil
}

// Fence returns a number that is greater than that of every holder before: to
// be handed to whatever the lock protects, which then can refuse the past.
func (l *Lock) Fence() int64 { return l.own.zxid }

// Multi carries out all operations as one write, if the lock is still ours at the
// service: a holder that has lost it without knowing writes nothing, and gets
// ErrLockLost. For the rest it is [Session.Multi]; the Index of a [MultiError]
// counts the operations given.
func (l *Lock) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) {
	if err := checkMulti(ops); err != nil {
		return nil, fmt.Errorf("multi: %w", err)
	}
	if l.own.ctx.Err() != nil {
		return nil, fmt.Errorf("multi: %w", l.lost())
	}
	// Our name is never given again, unlike that of /master: to check that it is
	// there is enough.
	results, fenced, err := l.own.s.fencedMulti(ctx, CheckOp(l.own.path, AnyVersion), ops)
	if fenced {
		l.own.cancel(ErrLockLost)
	}
	if fenced || err != nil && l.own.s.ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", ErrLockLost, err)
	}
	return results, err
}

// lost says why the lock is not ours any more.
func (l *Lock) lost() error {
	if cause := context.Cause(l.own.ctx); !errors.Is(cause, ErrLockLost) {
		return fmt.Errorf("%w: %w", ErrLockLost, cause)
	}
	return ErrLockLost
}

// Unlock releases the lock. It is nil when it was lost already.
func (l *Lock) Unlock(ctx context.Context) error {
	err := l.own.release(ctx)
	if err == nil && l.place.twins {
		err = l.own.s.vacate(ctx, l.place)
	}
	if err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}
