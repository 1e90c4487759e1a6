package ensemble

import (
	"testing"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A leader whose disk was full when a new member needed a snapshot never wrote it,
// unless the log grew by enough for the next one.
func TestSnapshotThatIsOwedIsWrittenWhenThereIsRoom(t *testing.T) {
	disk := waltest.New(1)
	log, err := wal.Open(wal.Options{Dir: "/data", FS: disk, SegmentBytes: 16 << 10, Identity: newIdentity().encode})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &storage{log: log}
	snaps := newSnapshots(s, newRoster(), 1<<40, 1<<40, zerolog.Nop())
	at, m := position{index: 5, term: 1}, &simMachine{}
	write := func() {
		t.Helper()
		if len(snaps.work) == 0 {
			t.Fatal("no snapshot is begun")
		}
		if err := snaps.turn(t.Context(), <-snaps.work); err != nil {
			t.Fatal(err)
		}
		<-snaps.idle
		snaps.again(at, m)
	}

	disk.SetCapacity(disk.Used())
	snaps.owed = at.index
	snaps.applied(at, 0, m)
	write()
	if len(snaps.work) > 0 {
		t.Fatal("a snapshot that found no room is begun again at once")
	}
	for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		seconds := 0
		for ; len(snaps.idle) == 0; seconds++ {
			snaps.remind()
		}
		if seconds != want {
			t.Errorf("tried again after %d s, want %d", seconds, want)
		}
		<-snaps.idle
		snaps.again(at, m)
		write()
	}
	disk.SetCapacity(0)
	for range maxPutOff {
		snaps.remind()
	}
	if len(snaps.idle) == 0 {
		t.Fatal("what was put off is forgotten")
	}
	<-snaps.idle
	snaps.again(at, m)
	write()
	if got := s.snapshotIndex(); got != at.index || snaps.owes() {
		t.Errorf("snapshot of entry %d is there, %d is owed", got, snaps.owed)
	}
}
