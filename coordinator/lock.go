package coordinator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// lockInfix stands before the number in a contender's name. The form
// "_c_<hex>-lock-<number>" is that of Curator's InterProcessMutex, whose
// contenders may wait for the same lock.
const lockInfix = "-lock-"

// withdrawTime bounds how long Lock waits, after its context has ended, for
// its place in the queue to be gone.
const withdrawTime = time.Second

// Lock is a lock of the service that we hold: the first of the ephemeral
// sequential znodes under its path.
type Lock struct {
	own ownership
}

// Lock blocks until the session holds the lock at path, which is created when
// missing. Contenders are served in the order they came; each watches only the
// one before it, so that a release wakes one. A session that asks twice waits
// for itself.
//
// The error is the cause of ctx's or the session's end, ErrLockLost when
// somebody deleted our place in the queue, or a definite refusal.
func (s *Session) Lock(ctx context.Context, path string) (*Lock, error) {
	name, err := s.enqueue(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	lock, err := s.awaitTurn(ctx, path, name)
	if err != nil {
		s.withdraw(path + "/" + name)
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lock, nil
}

// Context ends when the lock is no longer ours: released, its znode deleted by
// somebody, or the session lost or suspected lost.
func (l *Lock) Context() context.Context { return l.own.ctx }

// Fence returns a number that is greater than that of every holder before: to
// be handed to whatever the lock protects, which then can refuse the past.
func (l *Lock) Fence() int64 { return l.own.zxid }

// Unlock releases the lock. It is nil when it was lost already.
func (l *Lock) Unlock(ctx context.Context) error {
	if err := l.own.release(ctx); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}

// enqueue takes a place in the queue and returns its name. The name carries a
// mark by which it is found should the answer be lost.
func (s *Session) enqueue(ctx context.Context, path string) (string, error) {
	mark := "_c_" + strings.ReplaceAll(uuid.NewString(), "-", "") + lockInfix
	for {
		made, err := insist(ctx, s, func() (string, error) {
			return s.Create(ctx, path+"/"+mark, nil, EphemeralSequential)
		})
		switch {
		case err == nil:
			return made[strings.LastIndexByte(made, '/')+1:], nil
		case errors.Is(err, ErrNoNode):
			err = s.ensure(ctx, path)
		case errors.Is(err, ErrUnknownOutcome) && ctx.Err() == nil && s.ctx.Err() == nil:
			var name string
			if name, err = s.findMark(ctx, path, mark); name != "" {
				return name, nil
			}
		}
		if err != nil {
			return "", err
		}
	}
}

// findMark looks for a name that begins with mark, and is "" if there is none.
func (s *Session) findMark(ctx context.Context, path, mark string) (string, error) {
	if err := s.Sync(ctx, path); err != nil {
		return "", err
	}
	names, _, err := s.Children(ctx, path)
	if err != nil && !errors.Is(err, ErrNoNode) {
		return "", err
	}
	for _, name := range names {
		if strings.HasPrefix(name, mark) {
			return name, nil
		}
	}
	return "", nil
}

// awaitTurn blocks until name is the first in the queue.
func (s *Session) awaitTurn(ctx context.Context, path, name string) (*Lock, error) {
	for {
		names, _, err := s.Children(ctx, path)
		if err != nil {
			return nil, err
		}
		ahead, queued := predecessor(names, name)
		switch {
		case !queued:
			return nil, ErrLockLost
		case ahead == "":
			own, err := s.own(ctx, path+"/"+name)
			switch {
			case errors.Is(err, ErrNoNode):
				return nil, ErrLockLost
			case err != nil:
				return nil, err
			}
			return &Lock{own}, nil
		}
		if err := s.AwaitGone(ctx, path+"/"+ahead); err != nil {
			return nil, err
		}
	}
}

// withdraw gives up a place in the queue, in the background if need be.
func (s *Session) withdraw(path string) {
	gone := make(chan struct{})
	if !s.spawn(func() { defer close(gone); _ = s.remove(s.ctx, path) }) {
		return
	}
	limit := time.NewTimer(withdrawTime)
	defer limit.Stop()
	select {
	case <-gone:
	case <-limit.C:
	}
}

// predecessor returns who is served just before name, "" if nobody is; queued
// says whether name is there at all.
func predecessor(names []string, name string) (ahead string, queued bool) {
	own, ok := lockNumber(name)
	if !ok {
		return "", false
	}
	var best int32
	for _, other := range names {
		if other == name {
			queued = true
			continue
		}
		n, ok := lockNumber(other)
		if before := own - n; ok && before > 0 && (ahead == "" || before < best) {
			ahead, best = other, before
		}
	}
	return ahead, queued
}

// lockNumber reads the number the service gave. It is an int32 that overflows
// to negative, so that two numbers compare by the sign of their difference.
func lockNumber(name string) (int32, bool) {
	i := strings.LastIndex(name, lockInfix)
	if i < 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(name[i+len(lockInfix):], 10, 32)
	return int32(n), err == nil
}
