package waltest

import (
	"errors"
	"io"
	"io/fs"
	"slices"
)

// A file is an open file. Closing it means nothing.
type file struct {
	disk *Disk
	node *inode
	name string
}

func (f *file) Close() error { return nil }

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.dead {
		return 0, ErrPowerCut
	}
	n := copy(p, f.node.data[min(off, int64(len(f.node.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.before(OpWrite, f.name); err != nil {
		return 0, err
	}
	defer f.disk.mu.Unlock()
	node, end := f.node, off+int64(len(p))
	if grow := end - int64(len(node.data)); grow > 0 {
		if err := f.disk.noSpace(grow); err != nil {
			return 0, &fs.PathError{Op: string(OpWrite), Path: f.name, Err: err}
		}
		node.data = append(node.data, make([]byte, grow)...)
	}
	copy(node.data[off:], p)
	node.writes = append(node.writes, write{off: off, data: slices.Clone(p)})
	return len(p), nil
}

// Datasync implements wal.File. After an injected error the writes are gone,
// though the process still sees them.
func (f *file) Datasync() error {
	err := f.disk.before(OpSync, f.name)
	defer f.disk.mu.Unlock()
	if errors.Is(err, ErrLie) {
		return nil
	}
	if errors.Is(err, ErrPowerCut) {
		return err
	}
	node := f.node
	if err == nil {
		if grow := len(node.data) - len(node.durable); grow > 0 {
			node.durable = append(node.durable, make([]byte, grow)...)
		}
		for _, w := range node.writes {
			copy(node.durable[w.off:], w.data)
		}
	}
	node.writes = nil
	return err
}
