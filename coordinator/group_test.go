package coordinator_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// awaitMembers receives states of a group until the data of its members is want.
func awaitMembers(t *testing.T, states <-chan []coordinator.Member, want ...string) {
	t.Helper()
	var got []string
	for state := range states {
		got = got[:0]
		for _, m := range state {
			got = append(got, string(m.Data))
		}
		if slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("the members were %q in the end, want %q", got, want)
}

func TestGroupIsFollowedAsMembersComeAndGo(t *testing.T) {
	v := newService(t)
	one, two, client := v.connect(t), v.connect(t), v.connect(t)
	ctx := within(t, 10*time.Second)
	states := client.FollowMembers(ctx, "/servers")
	if first := <-states; len(first) != 0 {
		t.Errorf("a group that is not there = %v", first)
	}
	a, err := one.Join(ctx, "/servers", []byte("a:1"))
	must(t, err)
	awaitMembers(t, states, "a:1")
	b, err := two.Join(ctx, "/servers", []byte("b:1"))
	must(t, err)
	awaitMembers(t, states, "a:1", "b:1")
	_, err = client.Create(ctx, "/servers/by-hand", []byte("c:1"), coordinator.Persistent)
	must(t, err)
	awaitMembers(t, states, "a:1", "b:1", "c:1")

	must(t, a.Leave(ctx))
	awaitMembers(t, states, "b:1", "c:1")
	if err := ended(t, a.Context()); !errors.Is(err, coordinator.ErrClosed) {
		t.Errorf("cause after leaving = %v", err)
	}
	must(t, a.Leave(ctx)) // again
	must(t, client.Delete(ctx, "/servers/"+b.Name(), coordinator.AnyVersion))
	awaitMembers(t, states, "c:1")
	if err := ended(t, b.Context()); !errors.Is(err, coordinator.ErrEvicted) {
		t.Errorf("cause after being deleted = %v", err)
	}
}

// A member that is silent is gone for the others when its session is, and knows
// so before they do.
func TestSilentMemberIsGone(t *testing.T) {
	v := newService(t)
	proxy := zktest.NewProxy(t, v.addr)
	one, client := v.via(proxy).connectBriefly(t), v.connect(t)
	ctx := within(t, 20*time.Second)
	m, err := one.Join(ctx, "/servers", []byte("a:1"))
	must(t, err)
	states := client.FollowMembers(ctx, "/servers")
	awaitMembers(t, states, "a:1")
	proxy.SetMode(zktest.Silence)
	awaitMembers(t, states)
	if m.Context().Err() == nil {
		t.Error("the member was gone before it knew")
	}
	if err := ended(t, m.Context()); !errors.Is(err, coordinator.ErrSessionLost) {
		t.Errorf("cause = %v", err)
	}
}

// Names of a group that was deleted and made again are those of other members.
func TestGroupMadeAgainHasOtherMembers(t *testing.T) {
	v := newService(t)
	s, client := v.connect(t), v.connect(t)
	ctx := within(t, 10*time.Second)
	states := client.FollowMembers(ctx, "/servers")
	put := func(data string) {
		create(t, s, "/servers", coordinator.Persistent)
		_, err := s.Create(ctx, "/servers/s-", []byte(data), coordinator.EphemeralSequential)
		must(t, err)
		awaitMembers(t, states, data)
	}
	put("first")
	must(t, s.Delete(ctx, "/servers/s-0000000000", coordinator.AnyVersion))
	must(t, s.Delete(ctx, "/servers", coordinator.AnyVersion))
	put("second")
}

func TestFollowingAGroupEndsWithContextAndSession(t *testing.T) {
	s := newService(t).connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	states := s.FollowMembers(ctx, "/servers")
	<-states
	cancel()
	for range states {
	}
	states = s.FollowMembers(t.Context(), "/servers")
	<-states
	must(t, s.Close())
	for range states {
	}
	for range s.FollowMembers(t.Context(), "/servers") {
		t.Error("a closed session has a state of the group")
	}
}
