package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// pruneEvery is the longest time between two looks at what outputs to remove.
const pruneEvery = time.Minute

// store is the worker's directory. It belongs to one worker at a time:
//
//	lock                            locked while a worker runs
//	output/task-0000000042.1.stdout what attempt 1 of the task printed; no file if nothing
//	output/task-0000000042.1.stderr
//	scratch/task-0000000042.1       where the attempt runs, removed afterwards
//
// Its methods may be called from any goroutine.
type store struct {
	dir    string
	lock   *os.File
	output *os.Root
	log    zerolog.Logger

	age   time.Duration
	total int64

	grown atomic.Int64  // bytes written since outputs were last removed
	full  chan struct{} // tells keepTidy that grown is a lot; one slot

	mu   sync.Mutex // protects live
	live map[string]chan struct{}
}

// openStore takes the directory, which it makes if need be.
func openStore(cfg Config) (*store, error) {
	for _, sub := range []string{"", "output", "scratch"} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	output, err := os.OpenRoot(filepath.Join(cfg.Dir, "output"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("worker: %w", err), lock.Close())
	}
	s := &store{
		dir: cfg.Dir, lock: lock, output: output, log: cfg.Log, age: cfg.OutputAge, total: cfg.OutputTotal,
		full: make(chan struct{}, 1), live: make(map[string]chan struct{}),
	}
	s.clearScratch()
	return s, nil
}

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
			return nil, fmt.Errorf("worker: %s is in use by another worker (pid %s)", dir, holder[:n])
		}
		return nil, fmt.Errorf("worker: lock %s: %w", f.Name(), err)
	}
	_ = f.Truncate(0) // the number is only for the message above
	_, _ = f.WriteAt(strconv.AppendInt(nil, int64(os.Getpid()), 10), 0)
	return f, nil
}

func (s *store) close() { _ = errors.Join(s.output.Close(), s.lock.Close()) }

func outputName(id coordinator.TaskID, attempt int, stream string) string {
	return fmt.Sprintf("%s.%d.%s", id, attempt, stream)
}

// path is where the guard shall keep a stream. A task's ID has been checked:
// it is digits after "task-".
func (s *store) path(id coordinator.TaskID, attempt int, stream string) string {
	return filepath.Join(s.dir, "output", outputName(id, attempt, stream))
}

// begin notes that an attempt is running, until done is called. What a former
// attempt of that number left, under another tree perhaps, is removed.
func (s *store) begin(a *attempt) (done func()) {
	key := outputName(a.task, a.number, "")
	ended := make(chan struct{})
	for _, stream := range []string{"stdout", "stderr"} {
		_ = s.output.Remove(key + stream)
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
	return s.live[outputName(id, attempt, "")]
}

// count returns how many attempts are running.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// open opens what is kept of a stream; fs.ErrNotExist if nothing is.
func (s *store) open(id coordinator.TaskID, attempt int, stream string) (*os.File, error) {
	return s.output.Open(outputName(id, attempt, stream))
}

// keep keeps what a handler returned, as its standard output.
func (s *store) keep(a *attempt, out []byte, limit int64) error {
	if len(out) == 0 {
		return nil
	}
	f, err := s.output.OpenFile(outputName(a.task, a.number, "stdout"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
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

// scratch makes a directory for an attempt to run in. If that cannot be, for a
// full disk, say, the attempt runs in one it shares with others.
func (s *store) scratch(a *attempt) (dir string, made bool, err error) {
	root := filepath.Join(s.dir, "scratch")
	dir = filepath.Join(root, fmt.Sprintf("%s.%d", a.task, a.number))
	if os.Mkdir(dir, 0o700) == nil {
		return dir, true, nil
	}
	_ = os.RemoveAll(dir) // of an attempt under another tree
	if os.Mkdir(dir, 0o700) == nil {
		return dir, true, nil
	}
	return root, false, nil
}

// discard removes a scratch directory and what the attempt left in it.
func (s *store) discard(dir string) {
	if syscall.Rmdir(dir) == nil {
		return // it was empty, as most are
	}
	if err := os.RemoveAll(dir); err != nil {
		s.log.Warn().Str("path", dir).Err(err).Msg("scratch directory not removed")
	}
}

// clearScratch removes what a worker that was killed left behind.
func (s *store) clearScratch() {
	root := filepath.Join(s.dir, "scratch")
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		s.discard(filepath.Join(root, e.Name()))
	}
}

// wrote counts what was kept of an attempt, so that outputs are removed before
// there are too many.
func (s *store) wrote(bytes int64) {
	if s.grown.Add(bytes) < s.total/8 {
		return
	}
	select {
	case s.full <- struct{}{}:
	default:
	}
}

// keepTidy removes old outputs until ctx ends.
func (s *store) keepTidy(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		s.prune(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.full:
		}
	}
}

// prune removes what is too old or too much, but nothing of attempts that run.
func (s *store) prune(now time.Time) {
	s.grown.Store(0)
	names, err := fs.ReadDir(s.output.FS(), ".")
	if err != nil {
		s.log.Warn().Err(err).Msg("outputs not listed")
		return
	}
	var files []kept
	for _, e := range names {
		if info, err := e.Info(); err == nil && !s.isLive(e.Name()) {
			files = append(files, kept{e.Name(), info.Size(), info.ModTime()})
		}
	}
	for _, name := range surplus(files, now.Add(-s.age), s.total) {
		if err := s.output.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn().Str("path", name).Err(err).Msg("output not removed")
		}
	}
}

func (s *store) isLive(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, live := s.live[name[:max(0, len(name)-len("stdout"))]]
	return live
}

// kept is a file with an output.
type kept struct {
	name  string
	size  int64
	ended time.Time
}

// surplus returns what to remove: what ended before oldest, and the oldest of
// the rest until that takes at most total bytes. A file counts as a block at
// least.
func surplus(files []kept, oldest time.Time, total int64) []string {
	const block = 4096
	slices.SortFunc(files, func(a, b kept) int { return b.ended.Compare(a.ended) })
	var names []string
	var sum int64
	for _, f := range files {
		sum += max(f.size, block)
		if f.ended.Before(oldest) || sum > total {
			names = append(names, f.name)
		}
	}
	return names
}
