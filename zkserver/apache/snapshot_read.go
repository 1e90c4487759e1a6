package apache

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

const (
	snapshotMagic = "ZKSN"
	logMagic      = "ZKLG"
	fileVersion   = 2
)

// readSnapshot reads a snapshot file whole. The error wraps ErrDamaged when
// another snapshot may be better.
func readSnapshot(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	switch {
	case strings.HasSuffix(path, ".snappy"):
		return nil, fmt.Errorf("%w: %s: compressed with snappy: set snapshot.compression.method to gz or nothing there and let it write another", ErrDamaged, path)
	case strings.HasSuffix(path, ".gz"):
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
		}
	}
	s := newStream(r)
	state := s.snapshot()
	if s.err == nil {
		s.err = state.check()
	}
	if s.err != nil {
		return nil, fmt.Errorf("%w: %s: offset %d: %w", ErrDamaged, path, s.off, s.err)
	}
	return state, nil
}

func (s *stream) snapshot() *State {
	s.fileHeader(snapshotMagic)
	state := newState()
	for range s.int32() {
		session, timeout := s.int64(), s.int32()
		if s.err != nil {
			return nil
		}
		state.Sessions[session] = timeout
	}
	acls := map[int64][]wire.ACL{-1: openACL()}
	for range s.int32() {
		number := s.int64()
		acls[number] = s.acl()
		if s.err != nil {
			return nil
		}
	}
	for {
		path := s.string()
		if s.err != nil || path == "/" {
			break
		}
		s.znode(state, path, acls)
	}
	s.seal()
	return state
}

func (s *stream) fileHeader(magic string) {
	var head [4]byte
	s.fill(head[:])
	version, _ := s.int32(), s.int64()
	if s.err == nil && (string(head[:]) != magic || version != fileVersion) {
		s.err = fmt.Errorf("does not begin as a file of Apache ZooKeeper 3.x (%s, version %d)", magic, fileVersion)
	}
}

func (s *stream) znode(state *State, path string, acls map[int64][]wire.ACL) {
	z := &Znode{Path: path, Data: s.bytes()}
	number := s.int64()
	z.Czxid, z.Mzxid, z.Ctime, z.Mtime = s.int64(), s.int64(), s.int64(), s.int64()
	z.Version, z.Creates, z.Aversion = s.int32(), s.int32(), s.int32()
	z.setOwner(s.int64())
	z.Pzxid = s.int64()
	if path == "" {
		z.Path = "/"
	}
	// The lists are written before the znodes: one that came between the two has
	// a number that is not among them.
	var known bool
	z.ACL, known = acls[number]
	z.noACL = !known
	if state.Znodes[z.Path] != nil && s.err == nil {
		s.err = fmt.Errorf("%q is there twice", z.Path)
	}
	state.Znodes[z.Path] = z
}

// seal checks the sum of all that was read.
func (s *stream) seal() {
	sum := int64(s.sum.Sum32())
	if want, end := s.int64(), s.string(); s.err == nil && (sum != want || end != "/") {
		s.err = fmt.Errorf("the checksum is %#x, the file says %#x", sum, want)
	}
}
