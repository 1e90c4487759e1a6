package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// membersAtOnce bounds the members read at a time.
const membersAtOnce = 16

// Membership is our own place in a group: an ephemeral znode.
type Membership struct {
	own ownership
}

// Member is one znode of a group.
type Member struct {
	Name string
	Data []byte
	Stat Stat
}

// Join makes the session a member of a group, which is the parent of its
// members' znodes and is created when missing. The error is ErrNodeExists when
// somebody else has that name.
func (s *Session) Join(ctx context.Context, group, name string, data []byte) (*Membership, error) {
	path := group + "/" + name
	for {
		err := s.Insist(ctx, func() error {
			_, err := s.Create(ctx, path, data, Ephemeral)
			return err
		})
		switch {
		case errors.Is(err, ErrNoNode):
			if err := s.ensure(ctx, group); err != nil {
				return nil, fmt.Errorf("join %s: %w", group, err)
			}
			continue
		case errors.Is(err, ErrUnknownOutcome), errors.Is(err, ErrNodeExists):
			if ctx.Err() != nil || s.ctx.Err() != nil {
				return nil, fmt.Errorf("join %s: %w", group, err)
			}
			// Ours after all? Then the answer of an earlier try was lost.
		case err != nil:
			return nil, fmt.Errorf("join %s: %w", group, err)
		}
		own, lookErr := s.own(ctx, path)
		switch {
		case lookErr == nil:
			return &Membership{own}, nil
		case errors.Is(lookErr, ErrNoNode):
			continue // it was not created, or is gone again
		case errors.Is(lookErr, errNotOurs):
			return nil, fmt.Errorf("join %s: create %s: %w", group, path, ErrNodeExists)
		}
		return nil, fmt.Errorf("join %s: %w", group, lookErr)
	}
}

// Path returns the path of the member's znode.
func (m *Membership) Path() string { return m.own.path }

// Context ends when the znode is gone or the session has ended.
func (m *Membership) Context() context.Context { return m.own.ctx }

// Update replaces the member's data.
func (m *Membership) Update(ctx context.Context, data []byte) error {
	_, err := m.own.s.Set(ctx, m.own.path, data, AnyVersion)
	return err
}

// Leave deletes the member's znode. It is nil when that is gone already.
func (m *Membership) Leave(ctx context.Context) error { return m.own.release(ctx) }

// FollowMembers gives the members of a group, by name, now and after every
// change of who is a member. Their data is as of then: an Update alone is seen
// with the next change, or after a minute or so. Otherwise it behaves as
// [Session.FollowChildren]. A group that is missing has no members.
func (s *Session) FollowMembers(ctx context.Context, group string) <-chan []Member {
	out := make(chan []Member)
	ok := s.spawn(func() {
		defer close(out)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		states := s.FollowChildren(ctx, group)
		var to chan<- []Member // nil while there is nothing new
		var members []Member
		for {
			select {
			case state, ok := <-states:
				if !ok {
					return
				}
				now, err := s.members(ctx, group, state.Names)
				if err != nil { // at the end of the session, the states end too
					s.log.Warn().Str("path", group).Err(err).Msg("members not read")
					continue
				}
				members, to = now, out
			case to <- members:
				to = nil
			}
		}
	})
	if !ok {
		close(out)
	}
	return out
}

// members reads the members with those names; those that are gone meanwhile
// are left out.
func (s *Session) members(ctx context.Context, group string, names []string) ([]Member, error) {
	members := make([]Member, len(names))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	turns := make(chan struct{}, membersAtOnce)
	for i, name := range names {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			data, stat, err := s.Get(ctx, group+"/"+name)
			members[i], errs[i] = Member{Name: name, Data: data, Stat: stat}, err
		})
	}
	wg.Wait()
	present := members[:0]
	for i, err := range errs {
		switch {
		case err == nil:
			present = append(present, members[i])
		case !errors.Is(err, ErrNoNode):
			return nil, err
		}
	}
	slices.SortFunc(present, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return present, nil
}
