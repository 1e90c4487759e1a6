package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// store is the worker's directory. It belongs to one worker at a time:
//
//	lock                            locked while a worker runs
//	instances                       the names it has registered under; see leftovers.go
//	output/T.task-0000000042.1.stdout what attempt 1 of the task printed; no file if nothing
//	output/T.task-0000000042.1.stderr
//	scratch/task-0000000042.1       where the attempt runs, removed afterwards
//
// T names the tree, so that no task is shown the output of another's with the
// same ID.
//
// Its methods may be called from any goroutine.
type store struct {
	dir    string
	output atomic.Pointer[outputDir]
	log    zerolog.Logger

	mending sync.Mutex // held while directories are made, and what was removed is made again
	lock    *os.File   // protected by mending

	age   time.Duration
	total int64

	grown atomic.Int64  // bytes written since outputs were last removed
	full  chan struct{} // tells keepTidy that grown is a lot; one slot

	tree atomic.Pointer[string] // whose outputs are served; nil: not known yet

	instances []string // owned by noteInstance

	faulty atomic.Bool // the last output could not be kept

	mu   sync.Mutex // protects live
	live map[string]chan struct{}
}

// outputDir is the directory of the outputs, as long as it is not removed.
type outputDir struct {
	*os.Root
	info fs.FileInfo
}

// openStore takes the directory, which it makes if need be.
func openStore(cfg Config) (*store, error) {
	s := &store{
		dir: cfg.Dir, log: cfg.Log, age: cfg.OutputAge, total: cfg.OutputTotal,
		full: make(chan struct{}, 1), live: make(map[string]chan struct{}),
	}
	if err := checkDir(cfg.Dir); err != nil {
		return nil, err
	}
	if err := s.restore(); err != nil {
		s.close()
		return nil, err
	}
	if err := s.killLeftovers(); err != nil {
		s.close()
		return nil, err
	}
	s.clearScratch()
	return s, nil
}

// checkDir refuses a directory that somebody else keeps files in: a worker
// removes what is old in its own.
func checkDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	foreign := ""
	for _, e := range entries {
		switch e.Name() {
		case "lock":
			return nil // it is a worker's, whatever else came into it
		case "output", "scratch", "instances", "instances.new":
		case "lost+found": // of a file system that is the worker's own
		default:
			foreign = e.Name()
		}
	}
	if foreign != "" {
		return fmt.Errorf("worker: %s has %s and is no worker's: give it an empty directory, or one of its own", dir, foreign)
	}
	return nil
}

// restore makes what there is not, or not any more, of the directory: somebody
// may remove it while the worker runs.
func (s *store) restore() error {
	output := filepath.Join(s.dir, "output")
	isOurs := func() bool {
		had := s.output.Load()
		info, err := os.Stat(output)
		return had != nil && err == nil && os.SameFile(info, had.info)
	}
	if isOurs() {
		return nil
	}
	s.mending.Lock()
	defer s.mending.Unlock()
	if isOurs() {
		return nil
	}
	for _, sub := range []string{"", "output", "scratch"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o700); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
	}
	if err := s.takeLock(); err != nil {
		return err
	}
	root, err := os.OpenRoot(output)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	info, err := root.Stat(".")
	if err != nil {
		return errors.Join(fmt.Errorf("worker: %w", err), root.Close())
	}
	if had := s.output.Swap(&outputDir{root, info}); had != nil {
		_ = had.Close()
	}
	return nil
}

// takeLock locks the directory, unless it is locked by us. The caller holds
// mending.
func (s *store) takeLock() error {
	if s.lock != nil {
		ours, err := s.lock.Stat()
		there, thereErr := os.Stat(s.lock.Name())
		if err == nil && thereErr == nil && os.SameFile(ours, there) {
			return nil
		}
	}
	lock, err := lockDir(s.dir)
	if err != nil {
		return err
	}
	if s.lock != nil {
		_ = s.lock.Close()
	}
	s.lock = lock
	return nil
}

// ErrInUse: another worker has the directory.
var ErrInUse = errors.New("is in use by another worker")

// lockDir makes sure that no other worker uses the directory. The kernel
// unlocks it when this process ends, however it does.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.ReadAt(holder, 0)
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("worker: %s %w (process %s)", dir, ErrInUse, holder[:n])
		}
		return nil, fmt.Errorf("worker: lock %s: %w", f.Name(), err)
	}
	_ = f.Truncate(0) // the number is only for the message above
	_, _ = f.WriteAt(strconv.AppendInt(nil, int64(os.Getpid()), 10), 0)
	return f, nil
}

func (s *store) close() {
	s.mending.Lock()
	defer s.mending.Unlock()
	if output := s.output.Load(); output != nil {
		_ = output.Close()
	}
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

// treeName names a tree: /tasks is made once in its life.
func treeName(tasks coordinator.Stat) string {
	return fmt.Sprintf("%x-%x", tasks.Czxid, tasks.Ctime.UnixMilli())
}

// serve says whose outputs are served from now on.
func (s *store) serve(tree string) { s.tree.Store(&tree) }

// served names an output in the tree that is served.
func (s *store) served(id coordinator.TaskID, attempt int, stream string) string {
	tree := s.tree.Load()
	if tree == nil {
		return outputName("", id, attempt, stream) // no file has that name
	}
	return outputName(*tree, id, attempt, stream)
}

func outputName(tree string, id coordinator.TaskID, attempt int, stream string) string {
	return fmt.Sprintf("%s.%s.%d.%s", tree, id, attempt, stream)
}

// path is where the guard shall keep a stream. A task's ID has been checked:
// it is digits after "task-".
func (s *store) path(a *attempt, stream string) string {
	return filepath.Join(s.dir, "output", outputName(a.tree, a.task, a.number, stream))
}

// begin notes that an attempt is running, until done is called. What a former
// attempt of that number left is removed.
func (s *store) begin(a *attempt) (done func()) {
	key := outputName(a.tree, a.task, a.number, "")
	ended := make(chan struct{})
	for _, stream := range []string{"stdout", "stderr"} {
		_ = s.output.Load().Remove(key + stream)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[key] = ended
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.live[key] == ended {
			delete(s.live, key)
		}
		close(ended)
	}
}

// running returns a channel that is closed when the attempt ends, nil if it is
// not running.
func (s *store) running(id coordinator.TaskID, attempt int) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[s.served(id, attempt, "")]
}

// count returns how many attempts are running.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// open opens what is kept of a stream; fs.ErrNotExist if nothing is.
func (s *store) open(id coordinator.TaskID, attempt int, stream string) (*os.File, error) {
	return s.output.Load().Open(s.served(id, attempt, stream))
}

// keep keeps what a handler returned, as its standard output.
func (s *store) keep(a *attempt, out []byte, limit int64) error {
	if len(out) == 0 {
		return nil
	}
	f, err := s.output.Load().OpenFile(outputName(a.tree, a.task, a.number, "stdout"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	stream := stream{file: f, limit: limit}
	stream.keep(out)
	if err := f.Close(); err != nil && stream.fault == "" {
		stream.fault = err.Error()
	}
	if stream.fault != "" {
		return errors.New(stream.fault)
	}
	return nil
}

// scratch makes a directory for an attempt to run in.
func (s *store) scratch(a *attempt) (dir string, err error) {
	root := filepath.Join(s.dir, "scratch")
	dir = filepath.Join(root, fmt.Sprintf("%s.%d", a.task, a.number))
	if os.Mkdir(dir, 0o700) == nil {
		return dir, nil
	}
	s.discard(dir) // of an attempt under another tree
	_ = os.MkdirAll(root, 0o700)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("scratch directory: %w", err)
	}
	return dir, nil
}

// discard removes a scratch directory and what the attempt left in it.
func (s *store) discard(dir string) {
	if syscall.Rmdir(dir) == nil {
		return // it was empty, as most are
	}
	err := os.RemoveAll(dir)
	if errors.Is(err, fs.ErrPermission) {
		unlock(dir)
		err = os.RemoveAll(dir)
	}
	if err != nil {
		s.log.Warn().Str("path", dir).Err(err).Msg("scratch directory not removed")
	}
}

// unlock lets this user remove what is in the directories below dir, as far as
// they are this user's. Some programs leave them without permission to write,
// such as Go's module cache.
func unlock(dir string) {
	if os.Chmod(dir, 0o700) != nil {
		return
	}
	root, err := os.OpenRoot(dir) // so that a link in it leads nowhere else
	if err != nil {
		return
	}
	defer root.Close()
	_ = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = root.Chmod(path, 0o700) // before it is read
		}
		return nil
	})
}

// clearScratch removes what a worker that was killed left behind, and nothing
// that has another name than an attempt's.
func (s *store) clearScratch() {
	root := filepath.Join(s.dir, "scratch")
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		task, number, _ := strings.Cut(e.Name(), ".")
		_, err := coordinator.ParseTaskID(task)
		if _, notNumber := strconv.Atoi(number); err == nil && notNumber == nil {
			s.discard(filepath.Join(root, e.Name()))
		}
	}
}

// noteKept notes whether an output could be kept: fault is why not, "" if so. A
// disk that is full is told of once, not by every attempt.
func (s *store) noteKept(fault string, bytes int64) {
	switch {
	case fault != "" && !s.faulty.Swap(true):
		s.log.Warn().Str("err", fault).Msg("outputs are not kept")
	case fault == "" && bytes > 0 && s.faulty.Swap(false):
		s.log.Info().Msg("outputs are kept again")
	}
}
