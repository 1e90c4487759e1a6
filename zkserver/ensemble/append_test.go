package ensemble

import (
	"errors"
	"testing"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// toAppend makes a message with entries from first on.
func toAppend(first uint64, sizes ...int) *pb.Message {
	m := &pb.Message{Type: pb.MsgStorageAppend.Enum(), Responses: []*pb.Message{{Index: new(first)}}}
	for i, size := range sizes {
		m.Entries = append(m.Entries, &pb.Entry{Index: new(first + uint64(i)), Term: new(uint64(1)), Data: make([]byte, size)})
	}
	return m
}

// committed makes a message that only says what is committed.
func committed(term, commit uint64) *pb.Message {
	return &pb.Message{Term: new(term), Vote: new(uint64(1)), Commit: new(commit), Responses: []*pb.Message{{}}}
}

func TestGroupTakesWhatFollowsOn(t *testing.T) {
	tests := []struct {
		name          string
		messages      []*pb.Message
		entries, left int
	}{
		{"one", []*pb.Message{toAppend(5, 1, 1)}, 2, 0},
		{"two that follow", []*pb.Message{toAppend(5, 1, 1), toAppend(7, 1)}, 3, 0},
		{"commits between", []*pb.Message{committed(1, 4), toAppend(5, 1), committed(1, 5), toAppend(6, 1)}, 2, 0},
		{"an overwrite", []*pb.Message{toAppend(5, 1, 1), committed(2, 4), toAppend(6, 1)}, 2, 1},
		{"too many bytes", []*pb.Message{toAppend(5, 700<<10), toAppend(6, 700<<10)}, 1, 1},
		{"one too large", []*pb.Message{toAppend(5, 700<<10, 700<<10)}, 2, 0},
	}
	for _, tt := range tests {
		g, rest := nextGroup(tt.messages, 1<<20)
		if len(g.entries) != tt.entries || len(rest) != tt.left {
			t.Errorf("%s: %d entries, %d messages left, want %d and %d", tt.name, len(g.entries), len(rest), tt.entries, tt.left)
		}
		if want := len(tt.messages) - tt.left; len(g.responses) != want {
			t.Errorf("%s: %d responses, want %d", tt.name, len(g.responses), want)
		}
	}
	g, _ := nextGroup([]*pb.Message{committed(3, 4), toAppend(5, 1), committed(3, 5)}, 1<<20)
	if want := (wal.HardState{Term: 3, Vote: 1, Commit: 5}); g.hard != want {
		t.Errorf("hard state = %+v, want %+v", g.hard, want)
	}
}

func TestWriteIsCutBetweenEntries(t *testing.T) {
	for _, tt := range []struct {
		m    *pb.Message
		want int
	}{
		{toAppend(1), 0},
		{toAppend(1, 5, 5, 5), 3},
		{toAppend(1, 2<<20, 5), 1},
		{toAppend(1, 600<<10, 300<<10, 300<<10), 2},
	} {
		if got := cutGroup(tt.m.Entries, 1<<20); got != tt.want {
			t.Errorf("%d of %d entries, want %d", got, len(tt.m.Entries), tt.want)
		}
	}
}

// The process may end between two writes.
func TestEachPartOfAWriteSaysWhatIsCommittedOfIt(t *testing.T) {
	durable, hard := wal.HardState{Term: 1, Vote: 1, Commit: 4}, wal.HardState{Term: 2, Vote: 3, Commit: 8}
	for last, commit := range map[uint64]uint64{3: 4, 6: 6, 8: 8, 10: 8} {
		if got, want := partState(durable, hard, last), (wal.HardState{Term: 2, Vote: 3, Commit: commit}); got != want {
			t.Errorf("with entry %d: %+v, want %+v", last, got, want)
		}
	}
}

// A member that is killed must know what it was told long ago.
func TestWhatWasCommittedLastIsWrittenWhenNothingFollows(t *testing.T) {
	log, err := wal.Open(wal.Options{Dir: "/data", FS: waltest.New(1), SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	a := newAppender(newMailbox(), &storage{log: log, recent: ring{limit: 1 << 20}}, func([]*pb.Message) {}, zerolog.Nop())
	for _, m := range []*pb.Message{toAppend(1, 1, 1), committed(1, 1), committed(1, 2)} {
		g, _ := nextGroup([]*pb.Message{m}, 1<<20)
		if done, err := a.write(&g); !done || err != nil {
			t.Fatal(done, err)
		}
	}
	for tick, want := range []uint64{1, 2, 2} {
		if err := a.idle(); err != nil {
			t.Fatal(err)
		}
		if got := log.HardState().Commit; got != want {
			t.Errorf("after tick %d the log knows of commit %d, want %d", tick, got, want)
		}
	}
}

// The state of each write is noted by the disk, which fails with the second.
func TestAGroupCutShortLeavesItsFirstPartWithItsCommit(t *testing.T) {
	disk := waltest.New(1)
	log, err := wal.Open(wal.Options{Dir: "/data", FS: disk, SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	a := newAppender(newMailbox(), &storage{log: log, recent: ring{limit: 1 << 20}}, func([]*pb.Message) {}, zerolog.Nop())
	a.limit = 1000
	writes := 0
	disk.Inject(func(op waltest.Op, _ string) error {
		if op == waltest.OpSync {
			if writes++; writes == 2 {
				return errors.New("power cut")
			}
		}
		return nil
	})
	g := group{hard: wal.HardState{Term: 1, Vote: 1, Commit: 2}, entries: toAppend(1, 600, 600, 600).Entries}
	if _, err := a.write(&g); err == nil {
		t.Fatal("the second write succeeded")
	}
	log.Close()
	disk = disk.PowerCut()
	if log, err = wal.Open(wal.Options{Dir: "/data", FS: disk, SegmentBytes: 64 << 10}); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, last := log.Bounds(); last < 1 || log.HardState().Commit != min(2, last) {
		t.Errorf("up to entry %d the state is %+v", last, log.HardState())
	}
}
