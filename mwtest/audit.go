package mwtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mwqueue/mw/coordinator"
	"golang.org/x/sync/errgroup"
)

// A Record is what the tree holds of one task.
type Record struct {
	ID       coordinator.TaskID
	Status   coordinator.Status    // the final state; "" when none is recorded
	Attempts []coordinator.Attempt // oldest first
	Rewrites int                   // how often the status was written after its creation
}

// Recorded is how many of the attempts carry an outcome of the command itself:
// exactly one for a task that ran to its end, however often it was started.
func (r Record) Recorded() int {
	n := 0
	for _, a := range r.Attempts {
		switch a.Outcome {
		case coordinator.OutcomeLost, coordinator.OutcomeInterrupted:
		default:
			n++
		}
	}
	return n
}

// Lost is how many attempts ended with their worker.
func (r Record) Lost() int { return len(r.Attempts) - r.Recorded() }

// String tells the record in lines, an attempt each.
func (r Record) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q", r.ID, r.Status)
	if r.Rewrites > 0 {
		fmt.Fprintf(&b, " written %d times", 1+r.Rewrites)
	}
	const clock = "15:04:05.000"
	for i, a := range r.Attempts {
		fmt.Fprintf(&b, "\n   %d %s on %s, %s to %s, exit %d %s", i+1, a.Outcome, a.Worker, a.Started.Format(clock), a.Ended.Format(clock), a.Exit, a.Error)
	}
	return b.String()
}

// An Audit sums up records.
type Audit struct {
	Tasks    int
	Attempts int
	Moved    int                  // attempts that ended with their worker and were made again
	Lost     []coordinator.TaskID // tasks without a final state
	Twice    []coordinator.TaskID // tasks whose outcome was recorded more than once
	Dead     []coordinator.TaskID // tasks that were given up because their workers died
}

// NewAudit sums up records.
func NewAudit(records []Record) Audit {
	a := Audit{Tasks: len(records)}
	for _, r := range records {
		a.Attempts += len(r.Attempts)
		a.Moved += r.Lost()
		if r.Status == "" {
			a.Lost = append(a.Lost, r.ID)
		}
		if r.Status == coordinator.StatusDead {
			a.Dead = append(a.Dead, r.ID)
		}
		if r.Recorded() > 1 || r.Rewrites > 0 {
			a.Twice = append(a.Twice, r.ID)
		}
	}
	return a
}

// ReadRecords reads what the tree holds of ids, in their order.
func ReadRecords(ctx context.Context, s *coordinator.Session, ids []coordinator.TaskID) ([]Record, error) {
	records := make([]Record, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for i, id := range ids {
		g.Go(func() (err error) {
			records[i], err = readRecord(ctx, s, id)
			return err
		})
	}
	return records, g.Wait()
}

func readRecord(ctx context.Context, s *coordinator.Session, id coordinator.TaskID) (Record, error) {
	r := Record{ID: id}
	names, _, err := s.Children(ctx, coordinator.TaskPath(id))
	if errors.Is(err, coordinator.ErrNoNode) {
		return r, nil // lost: the audit will say so
	}
	if err != nil {
		return r, fmt.Errorf("mwtest: read %s: %w", id, err)
	}
	var attempts []int
	for _, name := range names {
		if n, ok := coordinator.ParseAttempt(name); ok {
			attempts = append(attempts, n)
		}
	}
	slices.Sort(attempts)
	for _, n := range attempts {
		data, _, err := s.Get(ctx, coordinator.AttemptPath(id, n))
		if err != nil {
			return r, fmt.Errorf("mwtest: read attempt %d of %s: %w", n, id, err)
		}
		r.Attempts = append(r.Attempts, coordinator.ParseAttemptData(data))
	}
	if slices.Contains(names, "status") {
		data, stat, err := s.Get(ctx, coordinator.StatusPath(id))
		if err != nil {
			return r, fmt.Errorf("mwtest: read status of %s: %w", id, err)
		}
		r.Status, r.Rewrites = coordinator.ParseStatus(data), int(stat.Version)
	}
	return r, nil
}
