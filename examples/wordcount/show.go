package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
)

// narrate prints who does what, once a second, until ctx ends.
func (s *story) narrate(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		loads, err := s.loads(ctx)
		if err != nil {
			continue // the service is being asked again in a second
		}
		var line strings.Builder
		for _, name := range slices.Sorted(maps.Keys(loads)) {
			fmt.Fprintf(&line, "  %s:%d", name, loads[name])
		}
		s.say("%4d of %d done; owed by%s", s.finished.Load(), len(s.files), line.String())
	}
}

// loads tells how many tasks each registered worker owes, by worker name. A
// dead worker is listed for as long as tasks are still assigned to it.
func (s *story) loads(ctx context.Context) (map[string]int, error) {
	session, err := s.view.Session(ctx)
	if err != nil {
		return nil, err
	}
	return mwtest.Loads(ctx, session)
}

// verdict audits the tree and prints the table. It is an error when a task
// is lost, wrong or recorded twice.
func (s *story) verdict(ctx context.Context) error {
	session, err := s.view.Session(ctx)
	if err != nil {
		return err
	}
	records, err := mwtest.ReadRecords(ctx, session, s.ids)
	if err != nil {
		return err
	}
	audit := mwtest.NewAudit(records)
	s.say("all tasks finished\n")
	fmt.Printf("  %-16s %6d\n", "tasks", audit.Tasks)
	fmt.Printf("  %-16s %6d\n", "attempts", audit.Attempts)
	fmt.Printf("  %-16s %6d\n", "reassigned", audit.Moved)
	fmt.Printf("  %-16s %6d\n", "lost", len(audit.Lost)+len(s.files)-audit.Tasks)
	fmt.Printf("  %-16s %6d\n", "wrong", len(s.wrong))
	fmt.Printf("  %-16s %6d\n", "recorded twice", len(audit.Twice))
	fmt.Printf("  %-16s %6d ms (session timeout %v)\n", "takeover", s.takeover.Milliseconds(), s.cluster.SessionTimeout())
	fmt.Printf("  %-16s %6.1f s\n\n", "time", time.Since(s.began).Seconds())

	for _, line := range s.wrong[:min(len(s.wrong), 5)] {
		fmt.Println("  wrong:", line)
	}
	switch {
	case audit.Tasks != len(s.files), len(audit.Lost) > 0:
		return fmt.Errorf("tasks were lost: %v", first(audit.Lost))
	case len(s.wrong) > 0:
		return fmt.Errorf("%d results are wrong", len(s.wrong))
	case len(audit.Twice) > 0:
		return fmt.Errorf("tasks were recorded twice: %v", first(audit.Twice))
	case audit.Moved == 0:
		return fmt.Errorf("the killed worker owed nothing: the demo showed no reassignment")
	}
	return nil
}

func first(ids []coordinator.TaskID) []coordinator.TaskID { return ids[:min(len(ids), 5)] }
