package coordinator_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

func TestGroup(t *testing.T) {
	v := newService(t)
	one, two := v.connect(t), v.connect(t)
	members := two.FollowMembers(within(t, 10*time.Second), "/groups/g")
	if got := <-members; len(got) != 0 {
		t.Errorf("members of a missing group = %v", got)
	}
	m, err := one.Join(t.Context(), "/groups/g", "a", []byte("1"))
	must(t, err)
	if m.Path() != "/groups/g/a" {
		t.Errorf("Path = %q", m.Path())
	}
	awaitMembers(t, members, "a=1")
	if _, err := two.Join(t.Context(), "/groups/g", "a", nil); !errors.Is(err, coordinator.ErrNodeExists) {
		t.Errorf("a name twice = %v, want ErrNodeExists", err)
	}
	must(t, m.Update(t.Context(), []byte("2")))
	b, err := two.Join(t.Context(), "/groups/g", "b", []byte("3"))
	must(t, err)
	awaitMembers(t, members, "a=2", "b=3")

	must(t, m.Leave(t.Context()))
	awaitMembers(t, members, "b=3")
	_ = ended(t, m.Context())
	must(t, one.Delete(t.Context(), b.Path(), coordinator.AnyVersion))
	_ = ended(t, b.Context())
	must(t, b.Leave(t.Context()))
}

// awaitMembers reads until the members are these, as name=data.
func awaitMembers(t *testing.T, members <-chan []coordinator.Member, want ...string) {
	t.Helper()
	var got []string
	for state := range members {
		got = nil
		for _, m := range state {
			got = append(got, m.Name+"="+string(m.Data))
		}
		if slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("members = %q, want %q", got, want)
}
