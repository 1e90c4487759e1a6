package worker

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// pruneEvery is the longest time between two looks at what outputs to remove.
const pruneEvery = time.Minute

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
	names, err := fs.ReadDir(s.output.Load().FS(), ".")
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
		if err := s.output.Load().Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
