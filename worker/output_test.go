package worker

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

func TestSurplus(t *testing.T) {
	const kb = 1 << 10
	files := []kept{
		{"old", 1, at(0)}, {"new", 5 * kb, at(50)}, {"middle", 10 * kb, at(30)}, {"newest", 1, at(60)},
	}
	tests := []struct {
		name   string
		oldest time.Time
		total  int64
		want   []string
	}{
		{"room for all", at(0), 100 * kb, nil},
		{"too old", at(31), 100 * kb, []string{"middle", "old"}},
		{"too much: the oldest go", at(0), 20 * kb, []string{"old"}},
		{"a small file counts as a block", at(0), 19*kb + 1, []string{"old"}},
		{"no room", at(0), 0, []string{"newest", "new", "middle", "old"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := surplus(slices.Clone(files), tt.oldest, tt.total); !slices.Equal(got, tt.want) {
				t.Errorf("surplus = %q, want %q", got, tt.want)
			}
		})
	}
}

func testStore(t *testing.T) *store {
	t.Helper()
	cfg, err := Config{Dir: t.TempDir(), OutputTotal: 10 << 10}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s, err := openStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func TestDirectoryOfSomebodyElseIsRefusedAndLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "scratch", "thesis.tex")
	for _, path := range []string{theirs, filepath.Join(dir, "letters")} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := openStore(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "letters") {
		t.Errorf("a directory with letters in it: %v, %v", s, err)
	}
	if err := os.Remove(filepath.Join(dir, "letters")); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "scratch", "task-0000000007.2")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := openStore(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("what has no attempt's name: %v", err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what an attempt left: %v", err)
	}
}

func TestDirectoryOfAWorkerIsTakenWithWhatElseIsInIt(t *testing.T) {
	dir := t.TempDir()
	s, err := openStore(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	for _, name := range []string{"instances.new", "NOTES"} { // of a kill, of an operator
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = openStore(Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	s.close()
}

func TestPruneSparesWhatRuns(t *testing.T) {
	s := testStore(t)
	running, over := &attempt{task: taskNumber(1), number: 1}, &attempt{task: taskNumber(2), number: 1}
	defer s.begin(running)()
	for _, a := range []*attempt{running, over} {
		if err := s.keep(a, make([]byte, 20<<10), 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	s.prune(time.Now())
	names, err := os.ReadDir(filepath.Join(s.dir, "output"))
	if err != nil || len(names) != 1 || names[0].Name() != ".task-0000000001.1.stdout" {
		t.Errorf("left = %v, %v", names, err)
	}
	s.prune(time.Now().Add(48 * time.Hour))
	if names, _ := os.ReadDir(filepath.Join(s.dir, "output")); len(names) != 1 {
		t.Errorf("left two days later = %v", names)
	}
}

// The same attempt number may come again, under a tree that was made anew.
func TestAttemptDoesNotShowFormerOutput(t *testing.T) {
	s := testStore(t)
	a := &attempt{tree: "t", task: taskNumber(1), number: 1}
	s.serve("t")
	if err := s.keep(a, []byte("old"), 100); err != nil {
		t.Fatal(err)
	}
	defer s.begin(a)()
	if f, err := s.open(a.task, 1, "stdout"); err == nil {
		f.Close()
		t.Error("the former output is still there")
	}
}

// A worker may serve one tree after another, with tasks of the same IDs.
func TestOutputsOfAnotherTreeAreNotServed(t *testing.T) {
	s := testStore(t)
	made := time.UnixMilli(1767225600000)
	one := treeName(coordinator.Stat{Czxid: 3, Ctime: made})
	a := &attempt{tree: one, task: taskNumber(1), number: 1}
	defer s.begin(a)()
	if err := s.keep(a, []byte("of the first tree"), 100); err != nil {
		t.Fatal(err)
	}
	is := func(want bool, tree string) {
		t.Helper()
		f, err := s.open(a.task, 1, "stdout")
		if err == nil {
			f.Close()
		}
		if (err == nil) != want || (s.running(a.task, 1) != nil) != want {
			t.Errorf("serving %q: open = %v, want %v", tree, err, want)
		}
	}
	is(false, "none")
	for tree, want := range map[string]bool{
		one: true,
		treeName(coordinator.Stat{Czxid: 3, Ctime: made.Add(time.Hour)}): false, // another ensemble
		treeName(coordinator.Stat{Czxid: 9, Ctime: made}):                false, // another chroot of the same one
	} {
		s.serve(tree)
		is(want, tree)
	}
}

func TestOutputsAreOurs(t *testing.T) {
	s := testStore(t)
	a := &attempt{task: taskNumber(1), number: 1}
	if err := s.keep(a, []byte("secret"), 100); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{
		s.path(a, "stdout"): 0o600, filepath.Join(s.dir, "output"): 0o700 | os.ModeDir, filepath.Join(s.dir, "lock"): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// A disk that is full for a thousand tasks is one line in the log.
func TestOutputsNotKeptIsSaidOnce(t *testing.T) {
	s := testStore(t)
	var log bytes.Buffer
	s.log = zerolog.New(&log)
	for range 3 {
		s.noteKept("stdout not kept: no space left on device", 10)
		s.noteKept("", 0) // a command that said nothing
	}
	s.noteKept("", 10)
	s.noteKept("", 10)
	want := `{"level":"warn","err":"stdout not kept: no space left on device","message":"outputs are not kept"}` + "\n" +
		`{"level":"info","message":"outputs are kept again"}` + "\n"
	if log.String() != want {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestScratchIsRemovedWithWhatIsInIt(t *testing.T) {
	s := testStore(t)
	dir, err := s.scratch(&attempt{task: taskNumber(1), number: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.discard(dir)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("scratch directory: %v", err)
	}
}

func TestTails(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	var tail []byte
	for chunk := range slices.Chunk(long, 1000) {
		tail = appendTail(tail, chunk)
		if len(tail) > 2*tailBytes {
			t.Fatalf("tail grew to %d", len(tail))
		}
	}
	if !bytes.HasSuffix(long, tail) || len(tail) < tailBytes {
		t.Errorf("tail of %d bytes is not the end", len(tail))
	}

	tests := []struct {
		name               string
		a, b, keepA, keepB int
	}{
		{"both short", 10, 20, 10, 20},
		{"both long", len(tail), len(tail), tailBytes / 2, tailBytes / 2},
		{"one long", len(tail), 100, tailBytes - 100, 100},
		{"other long", 0, len(tail), 0, tailBytes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := shareTail(tail[:tt.a], tail[:tt.b])
			if len(a) != tt.keepA || len(b) != tt.keepB {
				t.Errorf("kept %d and %d, want %d and %d", len(a), len(b), tt.keepA, tt.keepB)
			}
		})
	}
	if got := string(lastBytes([]byte(strings.Repeat("é", 10)), 5)); got != "éé" {
		t.Errorf("a tail cut in a character = %q", got)
	}
}

// What a user other than root cannot remove without more ado is removed.
func TestScratchWithoutPermissionsIsRemoved(t *testing.T) {
	s := testStore(t)
	dir, err := s.scratch(&attempt{task: taskNumber(1), number: 1})
	if err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b", "c"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "a", "link")); err != nil {
		t.Fatal(err)
	}
	closed := []string{filepath.Join(dir, "a", "b", "c"), filepath.Join(dir, "a", "b"), filepath.Join(dir, "a"), dir, outside}
	for _, d := range closed {
		if err := os.Chmod(d, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	unlock(dir)
	for _, d := range closed {
		want := os.FileMode(0o700)
		if d == outside {
			want = 0o500
		}
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", d, info.Mode(), err, want)
		}
	}
	s.discard(dir)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is there: %v", dir, err)
	}
}
