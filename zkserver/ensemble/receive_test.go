package ensemble

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A taker is the part of a member that receives snapshots.
type taker struct {
	*snapshots
	disk *waltest.Disk
}

func newTaker(t *testing.T) *taker {
	t.Helper()
	disk := waltest.New(1)
	log, err := wal.Open(wal.Options{Dir: "/data", FS: disk, SegmentBytes: 64 << 10, Identity: func() []byte { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &taker{newSnapshots(&storage{log: log}, newRoster(), 100, 1<<20, zerolog.Logger{}), disk}
}

// files are the snapshots in the directory, half made ones too.
func (k *taker) files(t *testing.T) (files []string) {
	t.Helper()
	names, err := k.disk.ReadDir("/data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.Contains(name, ".snap") {
			files = append(files, name)
		}
	}
	return files
}

// headOf begins, or goes on with, the snapshot of an entry.
func headOf(t *testing.T, index, offset uint64) head {
	t.Helper()
	b, err := meta{members: &membership{conf: &pb.ConfState{Voters: []uint64{1}}}}.encode()
	if err != nil {
		t.Fatal(err)
	}
	m := &pb.Message{Snapshot: &pb.Snapshot{Metadata: &pb.SnapshotMetadata{Index: &index, Term: new(uint64(3))}}}
	return head{offset: offset, message: m, meta: b}
}

func brokenAfter(b []byte) io.Reader { return io.MultiReader(bytes.NewReader(b), brokenReader{}) }

func TestWhatCameOfASnapshotIsKeptAndGoneOnWith(t *testing.T) {
	k := newTaker(t)
	state := make([]byte, 700<<10)
	for i := range state {
		state[i] = byte(rand.Uint32())
	}
	const sender = 77
	have := uint64(0)
	for _, upTo := range []int{100, 300 << 10, 300<<10 + 1} {
		if err := k.receive(sender, headOf(t, 50, have), brokenAfter(state[have:upTo])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("the connection breaks after %d bytes: %v", upTo, err)
		}
		p := k.part
		if p == nil || p.Bytes != uint64(upTo) || p.Sum != crc32.Checksum(state[:upTo], castagnoli) {
			t.Fatalf("after %d bytes it has %+v", upTo, p)
		}
		have = p.Bytes
	}
	if err := k.receive(sender, headOf(t, 50, have), bytes.NewReader(state[have:])); err != nil {
		t.Fatal(err)
	}
	r, err := k.storage.log.OpenSnapshot(wal.SnapshotID{Index: 50, Term: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, state) {
		t.Errorf("%d bytes are in the file, %v", len(got), err)
	}
	if files := k.files(t); len(files) != 1 || k.part != nil {
		t.Errorf("files %q, part %+v", files, k.part)
	}
}

func TestOnlyTheSameSnapshotIsGoneOnWith(t *testing.T) {
	for name, try := range map[string]func(k *taker) error{
		"of another member": func(k *taker) error { return k.receive(78, headOf(t, 50, 5), strings.NewReader("rest")) },
		"another entry":     func(k *taker) error { return k.receive(77, headOf(t, 51, 5), strings.NewReader("rest")) },
		"another place":     func(k *taker) error { return k.receive(77, headOf(t, 50, 4), strings.NewReader("rest")) },
		"while one is written": func(k *taker) error {
			k.writing.Lock()
			defer k.writing.Unlock()
			return k.receive(77, headOf(t, 50, 5), strings.NewReader("rest"))
		},
	} {
		k := newTaker(t)
		_ = k.receive(77, headOf(t, 50, 0), brokenAfter([]byte("begin")))
		if err := try(k); err == nil {
			t.Errorf("%s: it goes on", name)
		}
		if k.part == nil || k.part.Bytes != 5 {
			t.Errorf("%s: the part is lost", name)
		}
	}
}

// Nothing is left behind of a snapshot that broke off when it is of no use.
func TestHalfMadeFilesAreRemoved(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, k *taker){
		"for lack of space": func(t *testing.T, k *taker) {
			if err := k.makeRoom(100); err != nil {
				t.Error(err)
			}
		},
		"at the end": func(t *testing.T, k *taker) { k.dropPart() },
		"for another one": func(t *testing.T, k *taker) {
			if err := k.receive(78, headOf(t, 60, 0), strings.NewReader("whole")); err != nil {
				t.Error(err)
			}
			if err := k.storage.log.DropSnapshots(0); err != nil {
				t.Error(err)
			}
		},
		"since it is too old": func(t *testing.T, k *taker) {
			k.storage.setSnapshot(wal.SnapshotID{Index: 70, Term: 3}, nil)
			if err := k.receive(77, headOf(t, 50, 5), strings.NewReader("rest")); err != nil {
				t.Error(err)
			}
		},
	} {
		k := newTaker(t)
		_ = k.receive(77, headOf(t, 50, 0), brokenAfter([]byte("begin")))
		if files := k.files(t); len(files) != 1 {
			t.Errorf("%s: files %q", name, files)
		}
		end(t, k)
		if files := k.files(t); len(files) != 0 {
			t.Errorf("%s: files %q are left", name, files)
		}
	}
}

// A snapshot of another member that raft had no use for may be ahead of what is applied
// here: the log before it is needed yet, however full the disk is.
func TestTheLogThatIsNotAppliedIsKept(t *testing.T) {
	k := newTaker(t)
	var entries []wal.Entry
	for i := range uint64(60) {
		entries = append(entries, wal.Entry{Index: i + 1, Term: 3})
	}
	if err := k.storage.log.Append(wal.HardState{Term: 3, Commit: 60}, entries); err != nil {
		t.Fatal(err)
	}
	if err := k.receive(77, headOf(t, 50, 0), strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ applied, base uint64 }{{40, 0}, {50, 50}} {
		if err := truncate(k.storage.log, 1, tt.applied); err != nil {
			t.Fatal(err)
		}
		if base, _ := k.storage.log.Bounds(); base != tt.base {
			t.Errorf("with %d applied the log begins behind entry %d, want %d", tt.applied, base, tt.base)
		}
	}
}

func FuzzTransferHead(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 'm'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := readHead(bytes.NewReader(b)); err == nil && len(h.meta) > len(b) {
			t.Error("more came than there was")
		}
	})
}

// Both files have one name until they are whole.
func TestAMemberThatWritesTheSnapshotItWasGivenAPartOfDoesWithoutThePart(t *testing.T) {
	k := newTaker(t)
	state := make([]byte, 1000)
	_ = k.receive(77, headOf(t, 50, 0), brokenAfter(state[:500]))
	failed := errors.New("the state is gone")
	own := capture{position: position{index: 50, term: 3}, members: &membership{conf: &pb.ConfState{}}, state: writesNothing{failed}}
	if err := k.write(t.Context(), own); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if err := k.receive(77, headOf(t, 50, 500), bytes.NewReader(state[500:])); !errors.Is(err, errNoPart) {
		t.Errorf("it goes on: %v", err)
	}
	if err := k.receive(77, headOf(t, 50, 0), bytes.NewReader(state)); err != nil {
		t.Errorf("from the begin: %v", err)
	}
}

type writesNothing struct{ err error }

func (w writesNothing) WriteTo(io.Writer) (int64, error) { return 0, w.err }
