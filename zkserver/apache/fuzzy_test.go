package apache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

// fuzzyDir is a directory with the golden log and a snapshot.0 that was begun
// before its transactions and ended after them, so that the number of /q's ACL is
// not among the lists. log says whether /q's making is in the log.
func fuzzyDir(t *testing.T, log bool) string {
	t.Helper()
	s, err := Read("testdata", "")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := writeSnapshot(&b, s); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	q := s.Znodes["/q"]
	head := wire.AppendBytes(wire.AppendString(nil, q.Path), q.Data)
	at := bytes.Index(raw, head)
	if at < 0 {
		t.Fatal("no /q in the snapshot")
	}
	binary.BigEndian.PutUint64(raw[at+len(head):], 99)
	end := len(raw) - 8 - len(wire.AppendString(nil, "/"))
	binary.BigEndian.PutUint64(raw[end:], uint64(adler32.Checksum(raw[:end])))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "snapshot.0"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	transactions := fileHeader(logMagic)
	if log {
		if transactions, err = os.ReadFile(filepath.Join("testdata", versionDir, "log.1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "log.1"), transactions, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheLogSaysTheACLOfAZnodeThatCameDuringTheSnapshot(t *testing.T) {
	s, err := Read(fuzzyDir(t, true), "")
	if err != nil {
		t.Fatal(err)
	}
	if acl := s.Znodes["/q"].ACL; len(acl) != 1 || acl[0].Scheme != "digest" {
		t.Errorf("ACL of /q: %v", acl)
	}
	if _, err := Read(fuzzyDir(t, false), ""); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), `the ACL of "/q"`) {
		t.Errorf("an ACL that is nowhere: %v", err)
	}
}
