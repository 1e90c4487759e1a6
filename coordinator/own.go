package coordinator

import (
	"context"
	"errors"
	"fmt"
)

// errNotOurs: the znode belongs to another session, or to none.
var errNotOurs = errors.New("coordinator: owned by another session")

// ownership is an ephemeral znode of our session, and knows when it is gone.
type ownership struct {
	s      *Session
	path   string
	zxid   int64 // of its creation
	lost   error // the cause that ctx ends with when somebody deletes the znode
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// own takes up the znode at path, which this session has created: errNotOurs
// if it has not. When somebody deletes it, the ownership ends with lost.
func (s *Session) own(ctx context.Context, path string, lost error) (ownership, error) {
	stat, exists, err := s.Exists(ctx, path)
	switch {
	case err != nil:
		return ownership{}, err
	case !exists:
		return ownership{}, fmt.Errorf("own %s: %w", path, ErrNoNode)
	case stat.EphemeralOwner != s.ID():
		return ownership{}, fmt.Errorf("own %s: %w", path, errNotOurs)
	}
	o := ownership{s: s, path: path, zxid: stat.Czxid, lost: lost}
	o.ctx, o.cancel = context.WithCancelCause(s.ctx)
	s.spawn(o.watch)
	return o, nil
}

// watch ends the ownership when its znode is gone. Started by own, it ends
// with it.
func (o ownership) watch() {
	for d := range o.s.FollowData(o.ctx, o.path) {
		if !d.Exists || d.Stat.Czxid != o.zxid {
			o.cancel(o.lost)
		}
	}
}

// release deletes the znode if it is still that one.
func (o ownership) release(ctx context.Context) error {
	o.cancel(ErrClosed)
	stat, exists, err := o.s.Exists(ctx, o.path)
	if err != nil || !exists || stat.Czxid != o.zxid {
		return err
	}
	return o.s.remove(ctx, o.path)
}

// remove deletes a znode of our own, over as many tries as it takes. It is nil
// when the znode is gone already.
func (s *Session) remove(ctx context.Context, path string) error {
	var pause Backoff
	for {
		err := s.Insist(ctx, func() error { return s.Delete(ctx, path, AnyVersion) })
		switch {
		case err == nil, errors.Is(err, ErrNoNode):
			return nil
		case !errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil || s.ctx.Err() != nil:
			return err
		}
		if s.pause(ctx, &pause) != nil {
			return err
		}
	}
}
