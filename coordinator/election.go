package coordinator

import (
	"context"
	"errors"
	"fmt"
)

// Term is one stretch of being master. It begins with one multi that creates
// the ephemeral /master and writes /assign; the data version of /assign after it
// is the term's number. Every write of the master checks that version, so that a
// master that was deposed without knowing cannot write.
//
// (A check of /master would be no fence: a znode created again begins with
// version 0 again. So is /assign, should somebody delete it by hand: the term
// follows it, and ends.)
type Term struct {
	s      *Session
	number int32
	zxid   int64 // of the multi that began the term: the Czxid of /master
	fence  int64 // the Czxid of /assign

	ctx    context.Context
	cancel context.CancelCauseFunc
}

// Campaign blocks until the session is master, and returns its term. addr is
// where the master is to be found, the data of /master. At most one campaign of
// a session may run at a time.
//
// The error is the cause of ctx's or the session's end, or a definite refusal;
// ErrTryLater is waited out.
func (s *Session) Campaign(ctx context.Context, addr string) (*Term, error) {
	if err := s.EnsureTree(ctx); err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	for master := range s.FollowData(following, MasterPath) {
		term, err := s.candidate(ctx, addr, master)
		if err != nil {
			return nil, fmt.Errorf("campaign: %w", err)
		}
		if term != nil {
			return term, nil
		}
	}
	return nil, fmt.Errorf("campaign: %w", s.whyEnded(ctx))
}

// candidate does what can be done about the state of /master: nothing while
// somebody else holds it.
func (s *Session) candidate(ctx context.Context, addr string, master Data) (*Term, error) {
	for {
		if master.Exists && master.Stat.EphemeralOwner != s.ID() {
			return nil, nil
		}
		if master.Exists {
			return s.adopt(ctx, master.Stat)
		}
		term, err := s.seize(ctx, addr)
		switch {
		case errors.Is(err, ErrNodeExists):
			return nil, nil // somebody was faster; the follower will show who
		case errors.Is(err, ErrNoNode): // somebody deleted /assign
			if err := s.EnsureTree(ctx); err != nil {
				return nil, err
			}
			continue
		case !errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil || s.ctx.Err() != nil:
			return term, err
		}
		// Whose /master is it? Should the multi be executed later still, the
		// follower will show a /master of our own.
		if err := s.Sync(ctx, MasterPath); err != nil {
			return nil, err
		}
		if master.Stat, master.Exists, err = s.Exists(ctx, MasterPath); err != nil {
			return nil, err
		}
	}
}

// seize begins a term, if there is no master.
func (s *Session) seize(ctx context.Context, addr string) (*Term, error) {
	note := fmt.Appendf(nil, `{"master":%s,"session":%q}`, encodeJSON(addr), s.name())
	results, err := insist(ctx, s, func() ([]OpResult, error) {
		return s.Multi(ctx,
			CreateOp(MasterPath, []byte(addr), Ephemeral),
			SetOp(AssignPath, note, AnyVersion))
	})
	if err != nil {
		return nil, err
	}
	return s.newTerm(results[1].Stat), nil
}

// adopt takes up the term that a multi of this session began, though its
// answer was lost.
func (s *Session) adopt(ctx context.Context, master Stat) (*Term, error) {
	_, assign, err := s.Get(ctx, AssignPath)
	if err != nil && !errors.Is(err, ErrNoNode) {
		return nil, err
	}
	if err == nil && assign.Mzxid == master.Czxid {
		return s.newTerm(assign), nil
	}
	// Somebody has written or deleted /assign since: the number of our term is
	// lost.
	return nil, s.remove(ctx, MasterPath)
}

// newTerm returns the term that began with that state of /assign.
func (s *Session) newTerm(assign Stat) *Term {
	t := &Term{s: s, number: assign.Version, zxid: assign.Mzxid, fence: assign.Czxid}
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	stop := context.AfterFunc(s.ctx, func() { t.end(context.Cause(s.ctx)) })
	context.AfterFunc(t.ctx, func() { stop() })
	if !s.spawn(t.watch) || !s.spawn(t.watchFence) {
		t.end(context.Cause(s.ctx))
	}
	return t
}

// watch ends the term when /master is no longer ours. Started by newTerm, it
// ends with the term.
func (t *Term) watch() {
	for master := range t.s.FollowData(t.ctx, MasterPath) {
		if !master.Exists || master.Stat.Czxid != t.zxid {
			t.end(errDeposed)
		}
	}
}

// watchFence ends the term when /assign is not the one it began with: one made
// anew counts its versions from 0, and might come by our number again. Started
// by newTerm, it ends with the term.
func (t *Term) watchFence() {
	for assign := range t.s.FollowData(t.ctx, AssignPath) {
		if !assign.Exists || assign.Stat.Czxid != t.fence {
			t.end(errNoFence)
		}
	}
}

var (
	errDeposed  = errors.New("deposed")
	errNoFence  = errors.New("/assign was deleted")
	errResigned = errors.New("resigned")
)

func (t *Term) end(reason error) { t.cancel(fmt.Errorf("%w: %w", ErrTermEnded, reason)) }

// Number returns the version of /assign that fences the term's writes. It is
// greater than that of every term before, but for its overflow after 2³¹ terms,
// and as long as nobody deletes /assign: then the terms are counted anew.
func (t *Term) Number() int32 { return t.number }

// Context ends, with cause ErrTermEnded, when the master is deposed or resigns
// and when its session is lost, suspected lost or closed.
func (t *Term) Context() context.Context { return t.ctx }

// Multi carries out all operations as one write, if the term has not ended:
// otherwise the error is ErrTermEnded, and with it the term's context ends. The
// Index of a [MultiError] counts the operations given. An answer that was lost
// is ErrUnknownOutcome, and ErrTryLater is not waited out, as with
// [Session.Multi].
func (t *Term) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) {
	if err := checkMulti(ops); err != nil {
		return nil, fmt.Errorf("multi: %w", err)
	}
	if t.ctx.Err() != nil {
		return nil, fmt.Errorf("multi: %w", context.Cause(t.ctx))
	}
	results, fenced, err := t.s.fencedMulti(ctx, CheckOp(AssignPath, t.number), ops)
	switch {
	case fenced:
		t.end(errDeposed)
	case err != nil && t.s.ctx.Err() != nil:
		t.end(context.Cause(t.s.ctx))
	default:
		return results, err
	}
	return nil, fmt.Errorf("%w: %w", ErrTermEnded, err)
}

// Resign ends the term and deletes /master, so that a standby takes over at
// once. It does nothing when the term has already ended at the service.
func (t *Term) Resign(ctx context.Context) error {
	t.end(errResigned)
	for {
		stat, exists, err := t.s.Exists(ctx, MasterPath)
		if err != nil {
			return fmt.Errorf("resign: %w", err)
		}
		if !exists || stat.Czxid != t.zxid {
			return nil
		}
		_, err = insist(ctx, t.s, func() ([]OpResult, error) {
			return t.s.multi(ctx, []Op{CheckOp(AssignPath, t.number), DeleteOp(MasterPath, AnyVersion)})
		})
		switch {
		case err == nil, errors.Is(err, ErrBadVersion), errors.Is(err, ErrNoNode):
			return nil
		case !errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil || t.s.ctx.Err() != nil:
			return fmt.Errorf("resign: %w", err)
		}
	}
}
