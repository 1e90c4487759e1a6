package apache_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/apache"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// The files in testdata were written by Apache ZooKeeper 3.8.0 while zkCli.sh
// made /a with two sequential children, of which the first was deleted, a
// container /c, /t with 100 s to live, an ephemeral /e, /p that all may read,
// and /q for digest u; /a was set last.
const golden = "testdata"

func read(t *testing.T, dir string) *apache.State {
	t.Helper()
	s, err := apache.Read(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadGivesWhatTheServerHad(t *testing.T) {
	s := read(t, golden)
	want := []string{"/", "/a", "/a/s-0000000001", "/c", "/e", "/p", "/q", "/t", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"}
	if got := slices.Sorted(maps.Keys(s.Znodes)); !slices.Equal(got, want) {
		t.Errorf("znodes %q, want %q", got, want)
	}
	if s.Zxid != 11 || len(s.Sessions) != 1 || len(s.Warnings) != 0 {
		t.Errorf("zxid %d, sessions %v, warnings %q", s.Zxid, s.Sessions, s.Warnings)
	}
	a, e, q := s.Znodes["/a"], s.Znodes["/e"], s.Znodes["/q"]
	if string(a.Data) != "again" || a.Version != 1 || a.Creates != 2 || a.Czxid != 2 || a.Mzxid != 11 || a.Pzxid != 5 {
		t.Errorf("/a is %+v", *a)
	}
	if s.Znodes["/t"].TTL != 100_000 || s.Znodes["/c"].Lifetime != apache.Container || s.Sessions[e.Session] == 0 {
		t.Errorf("/t %+v, /c %+v, /e %+v", *s.Znodes["/t"], *s.Znodes["/c"], *e)
	}
	if fmt.Sprint(q.ACL) != "[{31 digest u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=}]" {
		t.Errorf("ACL of /q: %v", q.ACL)
	}
}

func TestAStateGoesThroughOurTreeAndBackUnchanged(t *testing.T) {
	s := read(t, golden)
	if n := s.DropEphemerals(); n != 1 {
		t.Errorf("%d ephemerals dropped, want 1", n)
	}
	dir := t.TempDir()
	name, err := apache.Write(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "version-2", "snapshot.b"); name != want {
		t.Errorf("wrote %s, want %s", name, want)
	}
	if _, err := apache.Write(dir, s); err == nil {
		t.Error("wrote beside a snapshot")
	}
	first, err := read(t, dir).Tree()
	if err != nil {
		t.Fatal(err)
	}
	again := t.TempDir()
	if _, err := apache.Write(again, apache.FromTree(first, 0x20000000c)); err != nil {
		t.Fatal(err)
	}
	second, err := read(t, again).Tree()
	if err != nil {
		t.Fatal(err)
	}
	if first.Digest() != second.Digest() {
		t.Error("the tree changed on the way")
	}
	if z := second.LastZxid(); z != 0x20000000c {
		t.Errorf("the server's zxid was 0x20000000c, and came back as %#x", z)
	}
	r := second.Apply(tree.Txn{Zxid: 0x20000000d, Op: tree.Create{
		Path: "/a/s-", Mode: tree.PersistentSequential, ACL: []tree.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}}})
	if r.Path != "/a/s-0000000002" {
		t.Errorf("the sequence goes on with %q, %v", r.Path, r.Err)
	}
}

// copyOf gives a directory with the golden files, one of them changed.
func copyOf(t *testing.T, name string, change func([]byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range []string{"snapshot.0", "log.1"} {
		b, err := os.ReadFile(filepath.Join(golden, "version-2", f))
		if err != nil {
			t.Fatal(err)
		}
		if f == name {
			b = change(b)
		}
		if b != nil {
			if err := os.WriteFile(filepath.Join(dir, f), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestALogThatIsCutGivesAPrefix cuts the log at every length.
func TestALogThatIsCutGivesAPrefix(t *testing.T) {
	whole := read(t, golden)
	size := 0
	copyOf(t, "log.1", func(b []byte) []byte { size = len(b); return b })
	last := int64(-1)
	for n := range size {
		s, err := apache.Read(copyOf(t, "log.1", func(b []byte) []byte { return b[:n] }), "")
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if s.Zxid < last || s.Zxid > whole.Zxid {
			t.Fatalf("cut at %d: zxid %d after %d", n, s.Zxid, last)
		}
		last = s.Zxid
	}
}

// TestAByteThatChangedIsNotTakenForData flips every byte of both files: the
// outcome is an error, or a state without the transactions that were hit.
func TestAByteThatChangedIsNotTakenForData(t *testing.T) {
	whole := read(t, golden)
	for _, name := range []string{"log.1", "snapshot.0"} {
		size := 0
		copyOf(t, name, func(b []byte) []byte { size = len(b); return b })
		for i := range size {
			s, err := apache.Read(copyOf(t, name, func(b []byte) []byte { b[i] ^= 0x41; return b }), "")
			if err == nil && s.Zxid == whole.Zxid && fmt.Sprint(s.Znodes["/a"]) != fmt.Sprint(whole.Znodes["/a"]) {
				t.Fatalf("%s: byte %d changed data", name, i)
			}
		}
	}
}

func TestDamageNamesFileAndOffset(t *testing.T) {
	dir := copyOf(t, "log.1", func(b []byte) []byte { b[0xa0] ^= 1; return b })
	_, err := apache.Read(dir, "")
	if !errors.Is(err, apache.ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, "log.1")+": offset ") {
		t.Errorf("error %v", err)
	}
}

func TestAnOlderSnapshotStandsInForADamagedOne(t *testing.T) {
	dir := copyOf(t, "", nil)
	if err := os.WriteFile(filepath.Join(dir, "snapshot.5"), []byte("ZKSN junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := read(t, dir); s.Zxid != 11 || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "snapshot.5") {
		t.Errorf("zxid %d, warnings %q", s.Zxid, s.Warnings)
	}
}

func TestALogFileThatIsMissingIsNoticed(t *testing.T) {
	dir := copyOf(t, "log.1", func([]byte) []byte { return nil })
	b, err := os.ReadFile(filepath.Join(golden, "version-2", "log.1"))
	if err != nil {
		t.Fatal(err)
	}
	// Leave out the second transaction.
	second := bytes.Index(b, []byte("\x9e\x0d\x9d")) - 5
	third := bytes.Index(b, []byte("\x6c\x26\x0e\x9e")) - 4
	b = slices.Concat(b[:second], b[third:])
	if err := os.WriteFile(filepath.Join(dir, "log.1"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := apache.Read(dir, ""); err == nil || !strings.Contains(err.Error(), "0x3 follows 0x1") {
		t.Errorf("error %v", err)
	}
}

// TestATransactionCutShortMayBeFollowedByANewFile: the server was killed and
// began one. If the cut took what was acknowledged, that is noticed.
func TestATransactionCutShortMayBeFollowedByANewFile(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(golden, "version-2", "log.1"))
	if err != nil {
		t.Fatal(err)
	}
	third := bytes.Index(b, []byte("\x6c\x26\x0e\x9e")) - 4
	rest := slices.Concat(b[:16], b[third:])
	for cut, want := range map[int]string{third: "", third + 20: "", third - 5: "0x3 follows 0x1"} {
		dir := copyOf(t, "log.1", func(b []byte) []byte { return b[:cut] })
		if err := os.WriteFile(filepath.Join(dir, "log.3"), rest, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := apache.Read(dir, "")
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("cut at %d: %v", cut, err)
			}
			continue
		}
		if err != nil || s.Zxid != 11 {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestSchemesThatAreUnknownHereAreCountedInOneWarning(t *testing.T) {
	s := read(t, golden)
	for _, path := range []string{"/a", "/p"} {
		s.Znodes[path].ACL = []wire.ACL{{Perms: 31, Scheme: "sasl", ID: "u"}, {Perms: 1, Scheme: "sasl", ID: "v"}}
	}
	s.Znodes["/c"].ACL = append(s.Znodes["/c"].ACL, wire.ACL{Perms: 31, Scheme: "ours"})
	dir := t.TempDir()
	if _, err := apache.Write(dir, s); err != nil {
		t.Fatal(err)
	}
	if w := read(t, dir).Warnings; len(w) != 1 || !strings.HasSuffix(w[0], `: "ours" (1), "sasl" (2)`) {
		t.Errorf("warnings %q", w)
	}
}

func TestACompressedSnapshotIsRead(t *testing.T) {
	dir := copyOf(t, "snapshot.0", func(b []byte) []byte {
		return nil
	})
	raw, err := os.ReadFile(filepath.Join(golden, "version-2", "snapshot.0"))
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(raw)
	w.Close()
	if err := os.WriteFile(filepath.Join(dir, "snapshot.0.gz"), zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := read(t, dir); s.Zxid != 11 {
		t.Errorf("zxid %d", s.Zxid)
	}
}

// TestSnapshotsWithoutALogAreRefused: nearly always the log is in another
// directory, and has what was acknowledged last.
func TestSnapshotsWithoutALogAreRefused(t *testing.T) {
	dir := copyOf(t, "log.1", func([]byte) []byte { return nil })
	if _, err := apache.Read(dir, ""); !errors.Is(err, apache.ErrNoLog) || !strings.Contains(err.Error(), "snapshot.0") {
		t.Errorf("error %v", err)
	}
	if s, err := apache.ReadSnapshot(dir); err != nil || s.Znodes["/zookeeper"] == nil || s.Znodes["/a"] != nil {
		t.Errorf("the snapshot alone: %v, %v", s, err)
	}
	if s, err := apache.Read(dir, golden); err != nil || s.Zxid != 11 {
		t.Errorf("with the log of elsewhere: %v, %v", s, err)
	}
	if _, err := apache.ReadSnapshot(golden); err == nil || !strings.Contains(err.Error(), "log.1") {
		t.Errorf("the log passed over: %v", err)
	}
}

// TestALogThatEndsBeforeTheSnapshotIsPointedOut: it was left behind when the
// server got a dataLogDir.
func TestALogThatEndsBeforeTheSnapshotIsPointedOut(t *testing.T) {
	s := read(t, golden)
	s.Zxid = 0x20
	dir := t.TempDir()
	if _, err := apache.Write(dir, s); err != nil {
		t.Fatal(err)
	}
	if s := read(t, dir); len(s.Warnings) != 0 || s.Zxid != 0x20 {
		t.Errorf("an export: zxid %#x, warnings %q", s.Zxid, s.Warnings)
	}
	s, err := apache.Read(dir, golden)
	if err != nil || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "dataLogDir") {
		t.Errorf("warnings %q, %v", s.Warnings, err)
	}
}

func TestADirectoryWithoutATreeIsNamed(t *testing.T) {
	dir := t.TempDir()
	if _, err := apache.Read(dir, ""); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}
