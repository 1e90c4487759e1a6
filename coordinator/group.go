package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// memberWord stands before the number in a member's name.
const memberWord = "-member-"

// readAtOnce bounds how many members are read at a time.
const readAtOnce = 16

// Membership is our place in a group.
type Membership struct {
	own   ownership
	place place
}

// Join makes the session a member of the group at path, which is created when
// missing, until it leaves or the session ends. The data is what others learn of
// it, such as its address: at most [MaxDataBytes], and never changed.
//
// The error is the cause of ctx's or the session's end, or a definite refusal.
func (s *Session) Join(ctx context.Context, path string, data []byte) (*Membership, error) {
	p, err := s.enter(ctx, path, memberWord, data, s.ensure)
	if err != nil {
		return nil, fmt.Errorf("join %s: %w", path, err)
	}
	own, err := s.own(ctx, p.self(), ErrEvicted)
	if errors.Is(err, ErrNoNode) {
		err = ErrEvicted
	}
	if err != nil {
		s.withdraw(p)
		return nil, fmt.Errorf("join %s: %w", path, err)
	}
	return &Membership{own, p}, nil
}

// Name is what the member is called in the group: the name of its znode.
func (m *Membership) Name() string { return m.place.name }

// Context ends when we are no member any more, with a cause: ErrClosed when we
// left, ErrEvicted when somebody deleted our znode, ErrSessionLost when the
// session is lost or suspected lost. Whoever wants to stay joins again, with a new
// session if need be.
func (m *Membership) Context() context.Context { return m.own.ctx }

// Leave ends the membership: the others hear of it at once. It is nil when it
// had ended already.
func (m *Membership) Leave(ctx context.Context) error {
	err := m.own.release(ctx)
	if err == nil && m.place.twins {
		err = m.own.s.vacate(ctx, m.place)
	}
	if err != nil {
		return fmt.Errorf("leave %s: %w", m.place.path, err)
	}
	return nil
}

// Member is what a group knows of one that has joined.
type Member struct {
	Name string // of its znode
	Data []byte // what it joined with; shared with other receivers: do not modify
	Zxid int64  // of its joining: members that joined later have greater ones
}

// FollowMembers gives who is in a group, in the order they joined: as it is now,
// and again whenever it has changed. Every child of the znode is a member, whoever made
// it. A group that does not exist is empty, and followed until it does.
//
// As with [Session.FollowChildren] the newest state wins, and the channel is
// closed when ctx or the session ends. A member that joined with data and was
// changed by hand later is not read again.
func (s *Session) FollowMembers(ctx context.Context, path string) <-chan []Member {
	out := make(chan []Member)
	f := memberFeed{s: s, path: path, known: make(map[string]Member)}
	if !s.spawn(func() { defer close(out); f.run(ctx, out) }) {
		close(out)
	}
	return out
}

// A memberFeed turns states of a znode's children into states of a group.
type memberFeed struct {
	s     *Session
	path  string
	group int64             // Czxid of the znode
	known map[string]Member // by name
}

// run ends when ctx or the session does.
func (f *memberFeed) run(ctx context.Context, out chan<- []Member) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	states := f.s.FollowChildren(ctx, f.path)
	var news, told []Member
	first := true
	var to chan<- []Member // nil: nothing new
	for {
		select {
		case state, ok := <-states:
			if !ok || f.read(ctx, state) != nil {
				return
			}
			news, to = slices.SortedFunc(maps.Values(f.known), byJoining), out
			if !first && slices.EqualFunc(news, told, sameMember) {
				to = nil
			}
		case to <- news:
			told, first, to = news, false, nil
		}
	}
}

func byJoining(a, b Member) int { return cmp.Compare(a.Zxid, b.Zxid) }

func sameMember(a, b Member) bool { return a.Zxid == b.Zxid && a.Name == b.Name }

// read makes known who is in the group, and reads those who are new.
func (f *memberFeed) read(ctx context.Context, state Children) error {
	if state.Stat.Czxid != f.group {
		clear(f.known) // names may come again
		f.group = state.Stat.Czxid
	}
	known := make(map[string]Member, len(state.Names))
	members := make([]Member, len(state.Names)) // those that are new
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for i, name := range state.Names {
		if m, ok := f.known[name]; ok {
			known[name] = m
			continue
		}
		g.Go(func() error {
			data, stat, err := f.s.Get(reading, f.path+"/"+name)
			if errors.Is(err, ErrNoNode) {
				return nil // gone again
			}
			members[i] = Member{Name: name, Data: data, Zxid: stat.Czxid}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, m := range members {
		if m.Name != "" {
			known[m.Name] = m
		}
	}
	f.known = known
	return nil
}
