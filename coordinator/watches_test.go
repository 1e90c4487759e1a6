package coordinator

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/zktest"
)

// inBubble opens a session with a server in memory, for synctest bubbles.
func inBubble(t *testing.T) *Session {
	t.Helper()
	return connectIn(t, zktest.NewServer(t, zktest.InMemory).Dial)
}

func connectIn(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) *Session {
	t.Helper()
	s, err := Connect(t.Context(), Config{Dial: dial, SessionTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.EnsureTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// counted returns how many watches the session counts.
func (s *Session) counted() int {
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	return len(s.watches.byKey)
}

func (s *Session) mustCreate(t *testing.T, path string) {
	t.Helper()
	if _, err := s.Create(t.Context(), path, nil, Persistent); err != nil {
		t.Fatal(err)
	}
}

func (s *Session) mustDelete(t *testing.T, path string) {
	t.Helper()
	if err := s.Delete(t.Context(), path, AnyVersion); err != nil {
		t.Fatal(err)
	}
}

// A watch for the return of what never returns would stay until the end of the
// session: after some thousand workers that came and went, everything was
// polled.
func TestWhatIsGoneLeavesNoWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inBubble(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for i := range 30 {
			path := fmt.Sprintf("/workers/w%d", i)
			s.mustCreate(t, path)
			states, lists := s.FollowData(ctx, path), s.FollowChildren(ctx, path)
			<-states
			<-lists
			done := make(chan error, 1)
			go func() { done <- s.AwaitGone(ctx, path) }()
			synctest.Wait()
			s.mustDelete(t, path)
			for (<-states).Exists {
			}
			for (<-lists).Exists {
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		cancel() // as whoever follows workers does when one is no longer listed
		synctest.Wait()
		if n := s.counted(); n != 0 {
			t.Errorf("%d watches stay", n)
		}
	})
}

// Who goes on following what is gone learns of its return, soon after and late.
func TestWhatIsGoneMayReturn(t *testing.T) {
	for _, away := range []time.Duration{time.Millisecond, 300 * time.Millisecond, lingerTime, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := inBubble(t)
			s.mustCreate(t, "/workers/w")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			states, lists := s.FollowData(ctx, "/workers/w"), s.FollowChildren(ctx, "/workers/w")
			<-states
			<-lists
			s.mustDelete(t, "/workers/w")
			returned := make(chan time.Time, 2)
			go func() { returned <- whenBack(states, func(d Data) bool { return d.Exists }) }()
			go func() { returned <- whenBack(lists, func(c Children) bool { return c.Exists }) }()
			time.Sleep(away)
			s.mustCreate(t, "/workers/w")
			made := time.Now()
			for range 2 {
				if late := (<-returned).Sub(made); late > 2*lingerEvery {
					t.Errorf("away for %v: noticed %v late", away, late)
				}
			}
		})
	}
}

// whenBack tells when a znode has been gone and is there again.
func whenBack[T any](states <-chan T, exists func(T) bool) time.Time {
	gone := false
	for state := range states {
		if gone = gone || !exists(state); gone && exists(state) {
			break
		}
	}
	return time.Now()
}

// A reading whose caller has left may still set its watch: it counts, and
// serves the next who asks.
func TestWatchOfACancelledReadingIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := zktest.NewListener()
		server := zktest.NewServer(t, zktest.InMemory)
		proxy := zktest.NewMemoryProxy(t, front, server.Listener())
		s := connectIn(t, front.Dial)
		proxy.SetMode(zktest.Silence)
		ctx, cancel := context.WithCancel(t.Context())
		states := s.FollowData(ctx, "/workers/w")
		synctest.Wait()
		cancel()
		for range states {
		}
		proxy.SetMode(zktest.Pass)
		synctest.Wait()
		if n := s.counted(); n > 1 { // one reading was under way, if not two
			t.Errorf("%d watches are counted", n)
		}
		again, cancel := context.WithCancel(t.Context())
		defer cancel()
		states = s.FollowData(again, "/workers/w")
		<-states
		s.mustCreate(t, "/workers/w")
		if d := <-states; !d.Exists {
			t.Error("not noticed")
		}
		cancel()
		synctest.Wait()
		s.mustDelete(t, "/workers/w")
		synctest.Wait()
		if n := s.counted(); n != 0 {
			t.Errorf("%d watches stay", n)
		}
	})
}
