// Package waltest has a disk for tests, in memory, that loses power: it
// forgets what was not synced, names of files included, and tears what was
// being written at sectors of 512 bytes.
//
//	d := waltest.New(seed)
//	log, err := wal.Open(wal.Options{Dir: "/data", FS: d})
//	…
//	d = d.PowerCut() // what the next process finds
//
// What survives is chosen by the seed alone, given the same calls.
package waltest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/mwqueue/mw/zkserver/wal"
)

const sector = 512

// Op is a call that changes the disk.
type Op string

// The calls that [Disk.Inject] sees.
const (
	OpCreate  Op = "create"
	OpOpen    Op = "open"
	OpWrite   Op = "write"
	OpSync    Op = "sync"
	OpRename  Op = "rename"
	OpRemove  Op = "remove"
	OpSyncDir Op = "syncdir"
)

// These errors are given to, or taken from, the function of [Disk.Inject].
var (
	// ErrPowerCut is what every call gets after the power was cut.
	ErrPowerCut = errors.New("waltest: power cut")

	// ErrLie makes a sync succeed without having synced.
	ErrLie = errors.New("waltest: lie")
)

// A Disk is a file system on one disk. It is safe for concurrent use.
type Disk struct {
	mu       sync.Mutex // protects everything below
	rng      *rand.Rand
	dead     bool
	inject   func(Op, string) error
	capacity int64 // bytes; 0 means no limit

	names   map[string]*inode // as the process sees them
	durable map[string]*inode // as they are on the disk
	pending []nameChange      // what durable lacks, in order
	locked  map[string]bool
}

// An inode is a file, whatever its name.
type inode struct {
	data    []byte // as the process sees it
	durable []byte
	writes  []write // what durable lacks, in order
}

type write struct {
	off  int64
	data []byte
}

// A nameChange is a change of a directory: name now means node, or nothing.
type nameChange struct {
	dir, gone, name string
	node            *inode
}

var _ wal.FS = (*Disk)(nil)

// New gives an empty disk. The seed decides what a power cut destroys.
func New(seed uint64) *Disk {
	return &Disk{
		rng:     rand.New(rand.NewPCG(seed, 0)),
		names:   map[string]*inode{},
		durable: map[string]*inode{}, locked: map[string]bool{},
	}
}

// Inject has f called before every change. An error from f is the error of
// the call; a sync that fails loses the data for good, as Linux does it. f
// may block, and must not call the disk.
func (d *Disk) Inject(f func(op Op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inject = f
}

// SetCapacity limits the room for data. 0 means no limit.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// Used is the size of all files together.
func (d *Disk) Used() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.usedLocked()
}

func (d *Disk) usedLocked() int64 {
	var n int64
	for _, node := range d.names {
		n += int64(len(node.data))
	}
	return n
}

// before runs the injected function, without the lock, and then takes the
// lock. The caller unlocks if the error is nil.
func (d *Disk) before(op Op, name string) error {
	d.mu.Lock()
	inject := d.inject
	d.mu.Unlock()
	var err error
	if inject != nil {
		err = inject(op, name)
	}
	d.mu.Lock()
	if d.dead {
		err = ErrPowerCut
	}
	if errors.Is(err, ErrLie) && op != OpSync && op != OpSyncDir {
		err = nil // only a sync can lie
	}
	if err != nil && !errors.Is(err, ErrLie) && op != OpSync {
		d.mu.Unlock()
		return &fs.PathError{Op: string(op), Path: name, Err: err}
	}
	return err
}

// MkdirAll does nothing: every directory is there.
func (d *Disk) MkdirAll(string) error { return nil }

// ReadDir implements wal.FS.
func (d *Disk) ReadDir(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for name := range d.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Create implements wal.FS.
func (d *Disk) Create(name string) (wal.File, error) {
	if err := d.before(OpCreate, name); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	node := &inode{} // NB: an old file of this name is not emptied but replaced
	d.change(nameChange{dir: filepath.Dir(name), name: name, node: node})
	return &file{disk: d, node: node, name: name}, nil
}

// Open implements wal.FS.
func (d *Disk) Open(name string) (wal.File, error) {
	if err := d.before(OpOpen, name); err != nil {
		return nil, err
	}
	defer d.mu.Unlock()
	node, ok := d.names[name]
	if !ok || d.dead {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{disk: d, node: node, name: name}, nil
}

// Rename implements wal.FS.
func (d *Disk) Rename(oldname, newname string) error {
	if err := d.before(OpRename, oldname); err != nil {
		return err
	}
	defer d.mu.Unlock()
	node, ok := d.names[oldname]
	if !ok {
		return &fs.PathError{Op: "rename", Path: oldname, Err: fs.ErrNotExist}
	}
	d.change(nameChange{dir: filepath.Dir(newname), gone: oldname, name: newname, node: node})
	return nil
}

// Remove implements wal.FS.
func (d *Disk) Remove(name string) error {
	if err := d.before(OpRemove, name); err != nil {
		return err
	}
	defer d.mu.Unlock()
	if _, ok := d.names[name]; !ok {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	d.change(nameChange{dir: filepath.Dir(name), gone: name})
	return nil
}

func (d *Disk) change(c nameChange) {
	c.apply(d.names)
	d.pending = append(d.pending, c)
}

func (c nameChange) apply(names map[string]*inode) {
	delete(names, c.gone)
	if c.node != nil {
		names[c.name] = c.node
	}
}

// OpenDir implements wal.FS.
func (d *Disk) OpenDir(dir string) (wal.Dir, error) { return directory{d, dir}, nil }

type directory struct {
	disk *Disk
	path string
}

func (d directory) Sync() error  { return d.disk.syncDir(d.path) }
func (d directory) Close() error { return nil }

func (d *Disk) syncDir(dir string) error {
	err := d.before(OpSyncDir, dir)
	if err != nil && !errors.Is(err, ErrLie) {
		return err
	}
	defer d.mu.Unlock()
	if err != nil {
		return nil
	}
	d.pending = slices.DeleteFunc(d.pending, func(c nameChange) bool {
		if c.dir != filepath.Clean(dir) {
			return false
		}
		c.apply(d.durable)
		return true
	})
	return nil
}

// Free implements wal.FS.
func (d *Disk) Free(string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.capacity == 0 {
		return math.MaxInt64, nil
	}
	return max(0, d.capacity-d.usedLocked()), nil
}

// Lock implements wal.FS.
func (d *Disk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked[name] {
		return nil, wal.ErrLocked
	}
	d.locked[name] = true
	return unlocker(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.locked, name)
	}), nil
}

type unlocker func()

func (u unlocker) Close() error { u(); return nil }

// Clone gives a copy, all of it durable, for tests that damage it.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := New(0)
	for name, node := range d.names {
		n.names[name] = &inode{data: slices.Clone(node.data), durable: slices.Clone(node.data)}
	}
	n.durable = maps.Clone(n.names)
	return n
}

// Bytes gives the content of a file, for tests that damage it: it may be
// written to while nothing has the file open. It is nil for a missing file.
func (d *Disk) Bytes(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if node, ok := d.names[name]; ok {
		return node.data
	}
	return nil
}

// SetBytes replaces the content of a file.
func (d *Disk) SetBytes(name string, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[name] = &inode{data: b, durable: slices.Clone(b)}
	d.durable[name] = d.names[name]
}

// noSpace reports whether growing a file by n bytes is too much.
func (d *Disk) noSpace(n int64) error {
	if d.capacity > 0 && d.usedLocked()+n > d.capacity {
		return syscall.ENOSPC
	}
	return nil
}
