package wal_test

import (
	"io"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// FuzzOpen puts anything in the place of one file of a directory. It is opened or
// refused; what is read is then good or an error.
func FuzzOpen(f *testing.F) {
	id := wal.SnapshotID{Index: 2, Term: 1}
	clean := waltest.New(1)
	options := wal.Options{Dir: "/data", FS: clean, SegmentBytes: 8 << 10}
	l, err := wal.Open(options)
	if err != nil {
		f.Fatal(err)
	}
	for i := range uint64(4) {
		if err := l.Append(wal.HardState{Term: 1, Commit: i}, []wal.Entry{{Index: 1 + i, Term: 1, Data: make([]byte, 100)}}); err != nil {
			f.Fatal(err)
		}
	}
	writeSnapshot(f, l, id, []byte("content"))
	if err := l.Mark(); err != nil {
		f.Fatal(err)
	}
	snapshot := l.File(id)
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	files := []string{"/data/IDENTITY", "/data/WATERMARK", snapshot}
	names, err := clean.ReadDir("/data")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		files = append(files, "/data/"+name)
	}
	for i, name := range files {
		f.Add(byte(i), clean.Bytes(name))
	}
	f.Fuzz(func(t *testing.T, which byte, content []byte) {
		disk := clean.Clone()
		disk.SetBytes(files[int(which)%len(files)], content)
		options := options
		options.FS = disk
		l, err := wal.Open(options)
		if err != nil {
			return
		}
		defer l.Close()
		base, last := l.Bounds()
		if last > base {
			if _, err := l.Entries(base+1, last+1, 1<<20); err != nil {
				t.Errorf("opened, but its entries cannot be read: %v", err)
			}
		}
		if r, err := l.OpenSnapshot(id); err == nil {
			_, _ = io.Copy(io.Discard, r)
			r.Close()
		}
	})
}
