package apache

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead reads any bytes as a snapshot and as a log after it: no panic, no
// memory beyond what is there, and a tree only if it is one.
func FuzzRead(f *testing.F) {
	log, err := os.ReadFile(filepath.Join("testdata", versionDir, "log.1"))
	if err != nil {
		f.Fatal(err)
	}
	snapshot, err := os.ReadFile(filepath.Join("testdata", versionDir, "snapshot.0"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(snapshot, log)
	f.Fuzz(func(t *testing.T, snapshot, log []byte) {
		s := newStream(bytes.NewReader(snapshot))
		state := s.snapshot()
		if s.err != nil {
			state = empty()
		}
		if (&follower{replayer: newReplayer(state)}).readFrom(bytes.NewReader(log), "log") == nil && state.check() == nil && state.checkACLs() == nil {
			_, _ = state.Tree()
		}
	})
}
