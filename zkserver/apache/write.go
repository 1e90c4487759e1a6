package apache

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// Write makes a data directory with one snapshot of the state, from which
// Apache ZooKeeper starts, and gives the snapshot's name. Beside it is a log
// without transactions, as a sign that none are missing: see [ErrNoLog]. dir
// must not have a tree yet. A file has its name only once it is whole and on
// disk, the snapshot last.
func Write(dir string, s *State) (name string, err error) {
	dir = filepath.Join(dir, versionDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, prefix := range []string{"snapshot.", "log."} {
		there, err := list(dir, prefix)
		if err != nil {
			return "", err
		}
		if len(there) > 0 {
			return "", fmt.Errorf("%s is there already: give an empty directory", there[0].path)
		}
	}
	log := filepath.Join(dir, fmt.Sprintf("log.%x", s.Zxid))
	if err := writeFile(log, writeLogHeader); err != nil {
		return "", err
	}
	name = filepath.Join(dir, fmt.Sprintf("snapshot.%x", s.Zxid))
	if err := writeFile(name, func(w io.Writer) error { return writeSnapshot(w, s) }); err != nil {
		return "", errors.Join(err, os.Remove(log))
	}
	return name, nil
}

// writeFile writes a file beside its name and renames it when it is on disk.
func writeFile(name string, fill func(io.Writer) error) error {
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeLogHeader writes what a log begins with. It ends there, too, which its
// reader takes for a log that nothing was written to (FileTxnIterator.next).
func writeLogHeader(w io.Writer) error {
	_, err := w.Write(fileHeader(logMagic))
	return err
}

// fileHeader is how either kind of file begins, with the database id -1 that
// nobody checks.
func fileHeader(magic string) []byte {
	b := append([]byte(nil), magic...)
	b = binary.BigEndian.AppendUint32(b, fileVersion)
	return wire.AppendInt64(b, -1)
}

// writeSnapshot writes the format of the package doc, without the digest,
// which a server takes up again by itself.
func writeSnapshot(dst io.Writer, s *State) error {
	sum := adler32.New()
	w := bufio.NewWriterSize(io.MultiWriter(dst, sum), 1<<20)
	b := wire.AppendInt32(fileHeader(snapshotMagic), int32(len(s.Sessions)))
	for _, session := range slices.Sorted(maps.Keys(s.Sessions)) {
		b = wire.AppendInt64(b, session)
		b = wire.AppendInt32(b, s.Sessions[session])
	}
	numbers, b := appendACLs(b, s)
	w.Write(b)
	for _, path := range slices.SortedFunc(maps.Keys(s.Znodes), parentsFirst) {
		b = appendZnode(b[:0], s.Znodes[path], numbers)
		w.Write(b)
	}
	w.Write(wire.AppendString(nil, "/"))
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := dst.Write(wire.AppendString(wire.AppendInt64(nil, int64(sum.Sum32())), "/"))
	return err
}

// parentsFirst is the order the reader needs: a parent has its place before
// its children. A path sorts before those that it begins.
func parentsFirst(a, b string) int { return strings.Compare(a, b) }

// appendACLs numbers the lists from 1 and writes them.
func appendACLs(b []byte, s *State) (map[string]int64, []byte) {
	numbers := map[string]int64{}
	var lists []byte
	for _, path := range slices.SortedFunc(maps.Keys(s.Znodes), parentsFirst) {
		key := aclKey(s.Znodes[path].ACL)
		if numbers[key] == 0 {
			numbers[key] = int64(len(numbers) + 1)
			lists = append(wire.AppendInt64(lists, numbers[key]), key...)
		}
	}
	b = wire.AppendInt32(b, int32(len(numbers)))
	return numbers, append(b, lists...)
}

// aclKey is a list as it is written.
func aclKey(acl []wire.ACL) string {
	b := wire.AppendInt32(nil, int32(len(acl)))
	for i := range acl {
		b = acl[i].Append(b)
	}
	return string(b)
}

func appendZnode(b []byte, z *Znode, numbers map[string]int64) []byte {
	path := z.Path
	if path == "/" {
		path = ""
	}
	b = wire.AppendString(b, path)
	b = wire.AppendBytes(b, z.Data)
	b = wire.AppendInt64(b, numbers[aclKey(z.ACL)])
	for _, v := range []int64{z.Czxid, z.Mzxid, z.Ctime, z.Mtime} {
		b = wire.AppendInt64(b, v)
	}
	for _, v := range []int32{z.Version, z.Creates, z.Aversion} {
		b = wire.AppendInt32(b, v)
	}
	b = wire.AppendInt64(b, z.owner())
	return wire.AppendInt64(b, z.Pzxid)
}
