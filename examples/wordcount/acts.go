package main

import (
	"context"
	"fmt"
	"time"

	"github.com/mwqueue/mw/mwtest"
)

// acts changes the cluster while the tasks run: each act waits for a share of
// them to be finished.
func (s *story) acts(ctx context.Context) error {
	acts := []struct {
		share float64
		do    func(context.Context) error
	}{
		{0.15, func(context.Context) error { return s.addWorkers(2) }},
		{0.30, s.killWorker},
		{0.55, s.killMaster},
		{0.75, func(context.Context) error { return s.drainTo(2) }},
	}
	for _, act := range acts {
		if err := s.awaitFinished(ctx, int64(act.share*float64(len(s.files)))); err != nil {
			return err
		}
		if err := act.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) awaitFinished(ctx context.Context, n int64) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.finished.Load() < n {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// addWorkers starts n more workers.
func (s *story) addWorkers(n int) error {
	for range n {
		name := fmt.Sprintf("w%d", len(s.workers)+1)
		w, err := s.cluster.StartWorker(name, slots)
		if err != nil {
			return err
		}
		s.workers = append(s.workers, w)
	}
	s.say("scaled to %d workers", len(s.running()))
	return nil
}

// killWorker kills the worker that owes the most tasks with SIGKILL.
func (s *story) killWorker(ctx context.Context) error {
	loads, err := s.loads(ctx)
	if err != nil {
		return err
	}
	var victim *mwtest.Process
	owes := -1
	for _, w := range s.running() {
		if n := loads[w.Name]; n > owes {
			victim, owes = w, n
		}
	}
	if err := victim.Kill(); err != nil {
		return err
	}
	s.say("kill -9 %s, which owed %d tasks", victim.Name, owes)
	return nil
}

// killMaster kills the active master with SIGKILL and measures how long it
// takes until the standby has assigned a task.
func (s *story) killMaster(ctx context.Context) error {
	session, err := s.view.Session(ctx)
	if err != nil {
		return err
	}
	addr, term, err := mwtest.ActiveMaster(ctx, session)
	if err != nil {
		return err
	}
	m := s.masters[addr]
	if m == nil {
		return fmt.Errorf("nobody here is the active master %s", addr)
	}
	killed := time.Now()
	if err := m.Kill(); err != nil {
		return err
	}
	s.say("kill -9 %s, the active master of term %d", m.Name, term)
	assigned, err := mwtest.AwaitAssignmentAfter(ctx, session, term)
	if err != nil {
		return err
	}
	s.takeover = assigned.Sub(killed)
	s.say("the standby took over and assigned after %v", s.takeover.Round(time.Millisecond))
	return nil
}

// drainTo asks workers to finish and leave until n remain.
func (s *story) drainTo(n int) error {
	running := s.running()
	for _, w := range running[:max(len(running)-n, 0)] {
		if err := w.Terminate(); err != nil {
			return err
		}
		s.say("SIGTERM %s: it finishes what it runs and leaves", w.Name)
	}
	return nil
}

// running lists the workers whose process lives, oldest first.
func (s *story) running() []*mwtest.Process {
	var alive []*mwtest.Process
	for _, w := range s.workers {
		if w.Running() {
			alive = append(alive, w)
		}
	}
	return alive
}
