package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/submit"
	"golang.org/x/sync/errgroup"
)

const (
	slots  = 2   // of each worker
	window = 400 // tasks submitted and not yet finished
	chunk  = 50  // tasks in one submission
)

// A story is one run of the demo: the cluster, the tasks and what was seen.
type story struct {
	cluster *mwtest.Cluster
	client  *submit.Client
	view    *coordinator.Client
	files   []file
	began   time.Time

	masters map[string]*mwtest.Process // by the address in /master
	workers []*mwtest.Process          // those meant to run, oldest first

	finished atomic.Int64 // tasks whose result has been read
	takeover time.Duration

	mu    sync.Mutex // protects the fields below
	ids   []coordinator.TaskID
	wrong []string
}

func newStory(ctx context.Context, c *mwtest.Cluster, files []file) (*story, error) {
	cfg := coordinator.Config{Servers: []string{c.Servers()}, SessionTimeout: c.SessionTimeout()}
	client, err := submit.Open(submit.Config{Coordinator: cfg})
	if err != nil {
		return nil, err
	}
	s := &story{
		cluster: c, client: client, view: coordinator.NewClient(cfg), files: files,
		began: time.Now(), masters: make(map[string]*mwtest.Process),
	}
	s.say("server on %s, %d files to count", c.Servers(), len(files))
	for _, name := range []string{"m1", "m2"} {
		m, err := c.StartMaster(name)
		if err != nil {
			return nil, err
		}
		s.masters[m.Addr] = m
	}
	return s, s.addWorkers(3)
}

func (s *story) close() {
	s.client.Close()
	s.view.Close()
}

// tell runs every task while the cluster changes under it.
func (s *story) tell(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { s.narrate(ctx); return nil })
	g.Go(func() error { defer cancel(); return s.count(ctx) })
	g.Go(func() error {
		if err := s.acts(ctx); err != nil && ctx.Err() == nil {
			cancel()
			return err
		}
		return nil
	})
	return g.Wait()
}

// count submits every file, a window at a time, and checks the results.
func (s *story) count(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	room := make(chan struct{}, window)
	for i := 0; i < len(s.files); i += chunk {
		part := s.files[i:min(i+chunk, len(s.files))]
		specs := make([]coordinator.Spec, len(part))
		for j, f := range part {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return g.Wait()
			}
			specs[j] = coordinator.Spec{Shell: countCommand(f.path)}
		}
		handles, err := s.client.SubmitMany(ctx, specs)
		if err != nil {
			return err
		}
		for j, h := range handles {
			g.Go(func() error {
				defer func() { <-room }()
				return s.check(ctx, h, part[j])
			})
		}
	}
	return g.Wait()
}

// check waits for one task and compares its count.
func (s *story) check(ctx context.Context, h *submit.Handle, f file) error {
	s.mu.Lock()
	s.ids = append(s.ids, h.ID())
	s.mu.Unlock()
	r, err := h.Wait(ctx)
	if err != nil {
		return err
	}
	got := strings.TrimSpace(string(r.Last.Stdout))
	if got != strconv.Itoa(f.words) {
		s.mu.Lock()
		s.wrong = append(s.wrong, fmt.Sprintf("%s: %s says %q, want %d (%s)", h.ID(), f.path, got, f.words, r.Status))
		s.mu.Unlock()
	}
	s.finished.Add(1)
	return nil
}

// say prints one line of the story.
func (s *story) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
