package ensemble

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// What the storage gives is the same whether it comes from memory or from the
// disk, after appends, overwrites and truncations.
func TestStorageGivesWhatWasAppended(t *testing.T) {
	log, err := wal.Open(wal.Options{Dir: "/data", FS: waltest.New(1), SegmentBytes: 16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &storage{log: log, recent: ring{limit: 2000}}
	rng := rand.New(rand.NewPCG(1, 1))
	want := []*pb.Entry{nil} // by index
	term, base := uint64(1), uint64(0)
	for range 500 {
		first := uint64(len(want))
		if rng.IntN(5) == 0 && first > base+1 {
			first = base + 1 + rng.Uint64N(first-base-1)
			term++
		}
		want = want[:first]
		for i := range uint64(1 + rng.IntN(3)) {
			want = append(want, entry(first+i, term, make([]byte, rng.IntN(300))))
		}
		if err := s.append(wal.HardState{Term: term}, want[first:]); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(20) == 0 {
			base += rng.Uint64N(uint64(len(want)) - base)
			if err := log.Truncate(base, want[base:][0].GetTerm()); err != nil {
				t.Fatal(err)
			}
		}
		checkStorage(t, s, want, base, rng)
	}
}

func checkStorage(t *testing.T, s *storage, want []*pb.Entry, base uint64, rng *rand.Rand) {
	t.Helper()
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	if first != base+1 || last != uint64(len(want)-1) {
		t.Fatalf("%d to %d, want %d to %d", first, last, base+1, len(want)-1)
	}
	if last == base {
		return
	}
	lo := first + rng.Uint64N(last-base)
	limit := uint64(rng.IntN(2000))
	if rng.IntN(2) == 0 {
		limit = math.MaxUint64
	}
	got, err := s.Entries(lo, last+1, limit)
	if err != nil || len(got) == 0 || limit == math.MaxUint64 && uint64(len(got)) != last+1-lo {
		t.Fatalf("%d entries from %d to %d, limit %d: %v", len(got), lo, last, limit, err)
	}
	for i, e := range got {
		w := want[lo+uint64(i)]
		if e.GetIndex() != w.GetIndex() || e.GetTerm() != w.GetTerm() || len(e.GetData()) != len(w.GetData()) {
			t.Fatalf("entry %d: got %v, want %v", w.GetIndex(), e, w)
		}
	}
	if term, err := s.Term(lo); err != nil || term != want[lo].GetTerm() {
		t.Fatalf("term of %d = %d, %v", lo, term, err)
	}
	if _, err := s.Entries(base, last+1, limit); !errors.Is(err, raft.ErrCompacted) {
		t.Fatalf("entry %d: %v", base, err)
	}
}

func TestFullBacklogBlocksUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newBacklog(1000)
		stopped := make(chan struct{})
		c := Command{Data: make([]byte, 200)}
		added := 0
		go func() {
			for q.add(context.Background(), stopped, Proposal{Seq: 1, Data: c.Data}) == nil {
				added++
			}
		}()
		synctest.Wait()
		if added != 1000/c.bytes() {
			t.Fatalf("%d commands fit", added)
		}
		q.sent(len(q.peek(1, 1000)), q.number(), 1)
		synctest.Wait()
		if added != 2*(1000/c.bytes()) {
			t.Errorf("%d commands after making room", added)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("enough"))
		if err := q.add(ctx, stopped, Proposal{Seq: 1, Data: c.Data}); err == nil || err.Error() != "enough" {
			t.Errorf("add = %v", err)
		}
		close(stopped)
		synctest.Wait()
		if err := q.add(context.Background(), stopped, Proposal{Seq: 1, Data: c.Data}); !errors.Is(err, ErrStopped) {
			t.Errorf("add = %v", err)
		}
	})
}

func TestCommandLargerThanTheBacklogIsTakenAlone(t *testing.T) {
	q := newBacklog(100)
	if err := q.add(t.Context(), nil, Proposal{Seq: 1, Data: make([]byte, 5000)}); err != nil {
		t.Fatal(err)
	}
	if room, _ := q.tryAdd(Proposal{Seq: 1}); room == nil {
		t.Error("another one was taken")
	}
}

func TestNothingIsProposedBehindWhatWasForgotten(t *testing.T) {
	q := newBacklog(1 << 20)
	before := q.number()
	if _, err := q.tryAdd(Proposal{Origin: before, Seq: 1}); err != nil {
		t.Fatal(err)
	}
	q.forget()
	if _, err := q.tryAdd(Proposal{Origin: before, Seq: 2}); err != ErrForgotten {
		t.Errorf("error %v, want %v", err, ErrForgotten)
	}
	for _, origin := range []uint64{0, q.number()} {
		if _, err := q.tryAdd(Proposal{Origin: origin, Seq: 3}); err != nil {
			t.Errorf("origin %x: %v", origin, err)
		}
	}
	if got := q.peek(1, 1<<20); len(got) != 2 {
		t.Errorf("%d commands wait, want 2", len(got))
	}
}
