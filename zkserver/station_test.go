package zkserver

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

func TestReadWaitsForOwnWriteOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p, other := b.connect(1), b.connect(2)
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpGetData, getRoot)
		wantReplies(t, p)
		other.send(wire.OpGetData, getRoot)
		wantReplies(t, other, 1)
		b.apply()
		wantReplies(t, p, 1, 2)
	})
}

func TestWritesArePipelined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		for range 10 {
			p.send(wire.OpSetData, setRoot)
		}
		synctest.Wait()
		if got := b.proposed(); got != 10 {
			t.Errorf("%d of 10 writes are proposed", got)
		}
		b.apply()
		wantReplies(t, p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	})
}

// Were the second write proposed at once, the read could see it.
func TestWriteWaitsForEarlierRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpGetData, getRoot)
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		if got := b.proposed(); got != 1 {
			t.Fatalf("%d writes are proposed, want 1", got)
		}
		b.apply()
		wantReplies(t, p, 1, 2)
		if got := b.proposed(); got != 2 {
			t.Fatalf("%d writes are proposed, want 2", got)
		}
		p.send(wire.OpSetData, setRoot)
		b.apply()
		synctest.Wait()
		b.apply()
		wantReplies(t, p, 3, 4, 5)
	})
}

func TestNoMoreThanAThousandRequestsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		var sending sync.WaitGroup
		sending.Go(func() {
			for range 2 * maxPending {
				p.send(wire.OpSetData, setRoot)
			}
		})
		synctest.Wait()
		if got := b.proposed(); got != maxPending {
			t.Errorf("%d writes are taken, want %d", got, maxPending)
		}
		if p.waiting.Load() == 0 {
			t.Error("the client's silence is held against it")
		}
		var answered int
		for answered < 2*maxPending {
			b.apply()
			answered += len(p.replies())
		}
		sending.Wait()
		if got := b.held.Load(); got != 0 {
			t.Errorf("%d bytes of requests are held when none is open", got)
		}
	})
}

func TestFullDiskRefusesWritesAndServesReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		b.setFull(true)
		p.send(wire.OpSetData, setRoot) // 2: refused, but not before 1 is answered
		p.send(wire.OpGetData, getRoot)
		p.send(wire.OpSetData, setRoot) // 4: refused after the read
		wantReplies(t, p)
		b.apply()
		wantReplies(t, p, 1, 2, 3, 4)
		b.setFull(false)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		b.apply()
		wantReplies(t, p, 5)
		if stat, _ := b.replica.tree.Exists("/"); stat.Version != 2 {
			t.Errorf("%d writes were done, want 2", stat.Version)
		}
	})
}

func TestOldConnectionsWritesAreRefusedAfterAMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		attach := command{kind: doAttach, session: 1, timeout: time.Minute}
		b.propose(99<<32, attach)
		p.send(wire.OpSetData, setRoot)
		synctest.Wait()
		b.apply()
		if stat, _ := b.replica.tree.Exists("/"); stat.Version != 0 {
			t.Error("a write of the old connection was done after the session had moved")
		}
		synctest.Wait()
		if p.cause != errMoved {
			t.Errorf("old connection ended with %v, want %v", p.cause, errMoved)
		}
	})
}

func TestExpiryIsVoidAfterAnAttach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		attach := command{kind: doAttach, session: 1, timeout: time.Minute}
		expire := command{kind: doExpire, session: 1, attach: 0}
		for _, c := range []command{attach, expire} {
			b.propose(99<<32, c)
		}
		b.apply()
		if _, ok := b.replica.sessions.Get(1); !ok {
			t.Error("session was closed though it was attached to again")
		}
		synctest.Wait()
		_ = p
	})
}

// A deposed leader's expiry is proposed again by its member, in the term of the
// next one, which has given the session its full time.
func TestExpiryIsVoidInAnotherTerm(t *testing.T) {
	for _, tt := range []struct {
		term uint64
		want bool // the session lives
	}{{term: 1, want: false}, {term: 0, want: false}, {term: 2, want: true}} {
		b := newRig(t)
		b.replica.sessions.Create(1, time.Minute)
		b.propose(0, command{kind: doExpire, session: 1, term: tt.term})
		b.apply() // in term 1
		if _, ok := b.replica.sessions.Get(1); ok != tt.want {
			t.Errorf("expiry of term %d: session lives: %v, want %v", tt.term, ok, tt.want)
		}
	}
}

func TestZxidCounterOverflowBeginsAnEpoch(t *testing.T) {
	b := newRig(t)
	b.replica.zxid = 5<<32 | 0xfffffffe
	for _, want := range []int64{5<<32 | 0xffffffff, 6<<32 | 1, 6<<32 | 2} {
		if got := b.replica.nextZxid(); got != want {
			t.Errorf("zxid %#x, want %#x", got, want)
		}
	}
}

// The expiry loop was held up: it cannot know who was heard meanwhile.
func TestLateExpiryLoopGivesSessionsTheirFullTimeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.replica.sessions.Create(1, time.Second)
		b.replica.sessions.Create(2, 3*time.Second)
		b.stall = 5 * time.Second // session 1 expires, and its command takes that long

		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { b.expireLoop(ctx) })
		time.Sleep(8900 * time.Millisecond) // 1 s + 5 s + 2.9 s
		if got := b.proposed(); got != 1 {
			t.Errorf("%d sessions expired, want 1", got)
		}
		time.Sleep(200 * time.Millisecond)
		if got := b.proposed(); got != 2 {
			t.Errorf("%d sessions expired, want 2", got)
		}
		cancel()
		loop.Wait()
	})
}

// What is held is the command, which has the connection's identities in it.
func TestHeldWritesCountWithTheirIdentities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		p := b.connect(1)
		for i := range 15 {
			if !p.addIdentity(tree.ID{Scheme: schemeDigest, ID: strings.Repeat("u", 200) + strconv.Itoa(i)}) {
				t.Fatalf("identity %d is refused", i)
			}
		}
		p.send(wire.OpSetData, setRoot)
		p.send(wire.OpGetData, getRoot)
		p.send(wire.OpSetData, setRoot) // held
		synctest.Wait()
		if got := b.held.Load(); got < int64(2*len(p.authSet)) {
			t.Errorf("%d bytes are counted for two writes with identities of %d bytes", got, len(p.authSet))
		}
		b.apply()
		synctest.Wait()
		b.apply()
		wantReplies(t, p, 1, 2, 3)
		if got := b.held.Load(); got != 0 {
			t.Errorf("%d bytes are held at the end", got)
		}
	})
}

func TestSessionOverdueOnAFullDiskGetsItsOwnTimeoutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.replica.sessions.Create(1, time.Second)
		b.setFull(true)

		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() { b.expireLoop(ctx) })
		time.Sleep(1500 * time.Millisecond)
		b.setFull(false)
		time.Sleep(700 * time.Millisecond)
		if got := b.proposed(); got != 1 {
			t.Errorf("%d sessions expired a timeout after the disk was full, want 1", got)
		}
		cancel()
		loop.Wait()
	})
}

func TestCommandOfALaterVersionIsNamed(t *testing.T) {
	_, err := parseCommand(append([]byte{byte(doAttach) + 1}, make([]byte, 20)...))
	if err == nil || !strings.Contains(err.Error(), "written by a later version") {
		t.Errorf("error = %v", err)
	}
}
