package coordinator_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A roll is what the receiver of a sequence makes of it.
type roll struct {
	t      *testing.T
	states <-chan coordinator.Entries
	names  map[string]bool
	exists bool
	czxid  int64
	whole  int // listings told
}

func followTasks(ctx context.Context, t *testing.T, s *coordinator.Session) *roll {
	return &roll{t: t, states: s.FollowTasks(ctx), names: make(map[string]bool)}
}

// take receives what there is to receive without waiting.
func (r *roll) take() {
	for {
		synctest.Wait()
		select {
		case e, ok := <-r.states:
			if !ok {
				return
			}
			r.enter(e)
		default:
			return
		}
	}
}

func (r *roll) enter(e coordinator.Entries) {
	r.t.Helper()
	r.exists = e.Exists
	if e.Whole {
		r.whole++
		r.czxid = e.Stat.Czxid
		clear(r.names)
	} else if e.Stat.Czxid != r.czxid {
		r.t.Fatalf("additions to %d, the listing was of %d", e.Stat.Czxid, r.czxid)
	}
	for _, name := range e.Names {
		if !e.Whole && r.names[name] {
			r.t.Errorf("%s is told twice", name)
		}
		r.names[name] = true
	}
}

// fill makes n tasks.
func fill(t testing.TB, s *coordinator.Session, n int) {
	t.Helper()
	for ; n > 0; n -= coordinator.MaxMultiOps {
		var ops []coordinator.Op
		for range min(n, coordinator.MaxMultiOps) {
			ops = append(ops, coordinator.CreateOp("/tasks/task-", nil, coordinator.Sequential))
		}
		_, err := s.Multi(t.Context(), ops...)
		must(t, err)
	}
}

// What is made in sequence is told at once, and without listing what was there
// before. One listing comes after it, to be watchful for names out of sequence.
func TestBigDirectoryIsNotListedAtEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		fill(t, s, 2000)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := followTasks(ctx, t, s)
		time.Sleep(10 * time.Second)
		r.take()
		if len(r.names) != 2000 || r.whole != 1 {
			t.Fatalf("%d names in %d listings", len(r.names), r.whole)
		}
		for i := range 300 {
			made := create(t, s, "/tasks/task-", coordinator.Sequential)
			time.Sleep(5 * time.Millisecond) // virtual: what it takes without a watch
			r.take()
			if name := made[len("/tasks/"):]; !r.names[name] {
				t.Fatalf("%s, the %d., is not told", name, i)
			}
			time.Sleep(time.Duration(i) * time.Millisecond / 10)
		}
		if r.whole > 1 {
			t.Errorf("%d listings for 300 tasks", r.whole-1)
		}
		fill(t, s, 3000) // many at once
		time.Sleep(50 * time.Millisecond)
		r.take()
		if len(r.names) != 5300 {
			t.Errorf("%d names, want 5300", len(r.names))
		}
		r.whole = 0
		time.Sleep(30 * time.Second)
		r.take()
		if r.whole > 2 {
			t.Errorf("%d listings while nothing happens", r.whole)
		}
	})
}

// One task with a number far ahead, made by hand, is no reason to list for the
// others.
func TestNumberMadeByHandDoesNotMakeListings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		fill(t, s, 1000)
		create(t, s, "/tasks/task-2000000000", coordinator.Persistent)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := followTasks(ctx, t, s)
		time.Sleep(10 * time.Second)
		r.take()
		r.whole = 0
		for range 100 {
			made := create(t, s, "/tasks/task-", coordinator.Sequential)
			time.Sleep(100 * time.Millisecond)
			r.take()
			if name := made[len("/tasks/"):]; !r.names[name] {
				t.Fatalf("%s is not told", name)
			}
		}
		if r.whole > 1 {
			t.Errorf("%d listings for 100 tasks", r.whole)
		}
	})
}

// Names made by hand, deletions, and the whole made again are noticed within a
// second and a half, wherever they come.
func TestChangesOutOfSequenceAreNoticed(t *testing.T) {
	const soon = 1500 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		fill(t, s, 1000)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := followTasks(ctx, t, s)
		for _, wait := range []time.Duration{0, 3 * time.Millisecond, 100 * time.Millisecond, 10 * time.Second} {
			time.Sleep(wait)
			create(t, s, "/tasks/task-", coordinator.Sequential)
			time.Sleep(wait)
			create(t, s, fmt.Sprintf("/tasks/by-hand-%d", wait), coordinator.Persistent)
			next := create(t, s, "/tasks/task-", coordinator.Sequential) // the number between is nobody's
			time.Sleep(soon)
			r.take()
			if !r.names[fmt.Sprintf("by-hand-%d", wait)] || !r.names[next[len("/tasks/"):]] {
				t.Errorf("after %v: a name made by hand, or the next, is not noticed", wait)
			}
			must(t, s.Delete(t.Context(), next, 0))
			time.Sleep(soon)
			r.take()
			if r.names[next[len("/tasks/"):]] {
				t.Errorf("after %v: a deletion is not noticed", wait)
			}
		}
		empty(t, s)
		must(t, s.Delete(t.Context(), "/tasks", coordinator.AnyVersion))
		time.Sleep(soon)
		r.take()
		if len(r.names) > 0 || r.exists {
			t.Errorf("%d names in a directory that is gone", len(r.names))
		}
		must(t, s.EnsureTree(t.Context()))
		fill(t, s, 700)
		time.Sleep(soon)
		r.take()
		if len(r.names) != 700 || !r.exists {
			t.Errorf("%d names in the new directory", len(r.names))
		}
		cancel()
		for range r.states {
		}
	})
}

// empty deletes all tasks.
func empty(t testing.TB, s *coordinator.Session) {
	t.Helper()
	names, _, err := s.Children(t.Context(), "/tasks")
	must(t, err)
	for some := range slices.Chunk(names, coordinator.MaxMultiOps) {
		var ops []coordinator.Op
		for _, name := range some {
			ops = append(ops, coordinator.DeleteOp("/tasks/"+name, coordinator.AnyVersion))
		}
		_, err := s.Multi(t.Context(), ops...)
		must(t, err)
	}
}

// Whatever happens to the directory and to the connection: soon after, the
// receiver knows what there is.
func TestSequenceFollowsAnything(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		}()
		front := zktest.NewListener()
		server := zktest.NewServer(t, zktest.InMemory)
		proxy := zktest.NewMemoryProxy(t, front, server.Listener())
		other := connect(t, coordinator.Config{Dial: server.Dial, SessionTimeout: time.Minute})
		s := connect(t, coordinator.Config{Dial: front.Dial, SessionTimeout: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel() }()
		r := followTasks(ctx, t, s)
		hand := 0
		for round := range 40 {
			for range random.IntN(8) {
				switch random.IntN(12) {
				case 0:
					fill(t, other, random.IntN(800))
				case 1:
					hand++
					create(t, other, fmt.Sprintf("/tasks/x%d", hand), coordinator.Persistent)
				case 2:
					deleteSome(t, other, random)
				case 3:
					if random.IntN(4) == 0 {
						empty(t, other)
						must(t, other.Delete(t.Context(), "/tasks", coordinator.AnyVersion))
						time.Sleep(time.Duration(random.IntN(2)) * time.Second)
						must(t, other.EnsureTree(t.Context()))
					}
				case 4:
					proxy.Cut()
				case 5:
					proxy.CutAfter(zktest.Replies, random.IntN(20000))
				case 6:
					if random.IntN(4) == 0 {
						if random.IntN(2) == 0 {
							_ = s.Close() // confirmed or not
						} else {
							proxy.SetMode(zktest.Silence)
							<-s.Context().Done()
							proxy.SetMode(zktest.Pass)
						}
						for range r.states {
						}
						s = connect(t, coordinator.Config{Dial: front.Dial, SessionTimeout: 10 * time.Second})
						r = followTasks(ctx, t, s)
					}
				default:
					create(t, other, "/tasks/task-", coordinator.Sequential)
				}
				if random.IntN(2) == 0 {
					time.Sleep(time.Duration(random.IntN(3000)) * 100 * time.Microsecond)
				}
				if random.IntN(3) == 0 {
					r.take()
				}
			}
			time.Sleep(3 * time.Second)
			r.take()
			names, _, err := other.Children(t.Context(), "/tasks")
			must(t, err)
			if got := slices.Sorted(maps.Keys(r.names)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
				t.Fatalf("seed %d, round %d: %d names told, %d there", seed, round, len(got), len(names))
			}
		}
	})
}

func deleteSome(t testing.TB, s *coordinator.Session, random *rand.Rand) {
	t.Helper()
	names, _, err := s.Children(t.Context(), "/tasks")
	must(t, err)
	for range min(len(names), 1+random.IntN(20)) {
		i := random.IntN(len(names))
		must(t, s.Delete(t.Context(), "/tasks/"+names[i], coordinator.AnyVersion))
		names = slices.Delete(names, i, i+1)
	}
}
