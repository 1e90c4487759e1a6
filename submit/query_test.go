package submit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

func TestTasksShowTheNewestAndTheAssigned(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	handles, err := c.SubmitMany(t.Context(), numbered(6))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for path, data := range map[string][]byte{
		coordinator.WorkerPath("w1-0"):      coordinator.Registration{Name: "w1", Slots: 2}.Encode(),
		coordinator.AssignmentsPath("w1-0"): nil,
	} {
		if _, err := s.Create(ctx, path, data, coordinator.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Create(ctx, coordinator.AssignmentPath("w1-0", handles[0].ID()), nil, coordinator.Persistent); err != nil {
		t.Fatal(err)
	}
	err = finish(s, handles[4].ID(), coordinator.StatusFailed, coordinator.Attempt{Worker: "w0-0", Outcome: coordinator.OutcomeFailed, Exit: 7})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		query submit.Query
		want  []string
		more  bool
	}{
		{name: "all", query: submit.Query{}, want: []string{"5 waiting", "4 failed w0-0 7", "3 waiting", "2 waiting", "1 waiting", "0 assigned w1-0"}},
		{name: "newest", query: submit.Query{Limit: 2}, want: []string{"5 waiting", "4 failed w0-0 7", "0 assigned w1-0"}, more: true},
		{name: "failed", query: submit.Query{States: []string{"failed"}}, want: []string{"4 failed w0-0 7"}},
		{name: "one waiting", query: submit.Query{Limit: 1, States: []string{"waiting", "assigned"}}, want: []string{"5 waiting"}, more: true},
		{name: "none", query: submit.Query{Name: "nobody"}, want: nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := c.Tasks(t.Context(), tt.query)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, task := range l.Tasks {
				n, _ := task.ID.Seq()
				line := fmt.Sprintf("%d %s %s", n, task.State, task.Worker)
				if task.Attempts > 0 {
					line += fmt.Sprintf(" %d", task.Last.Exit)
				}
				got = append(got, strings.TrimSpace(line))
			}
			if !slices.Equal(got, tt.want) || l.More != tt.more || l.Total != 6 {
				t.Errorf("got %q of %d, more %v, want %q of 6, more %v", got, l.Total, l.More, tt.want, tt.more)
			}
		})
	}
	if cur, err := handles[0].Current(ctx); err != nil || cur.Worker != "w1-0" || cur.Number != 1 || cur.Assigned.IsZero() {
		t.Errorf("current attempt = %+v (%v), want the first, on w1-0", cur, err)
	}
	if cur, err := handles[1].Current(ctx); err != nil || cur != (submit.Current{}) {
		t.Errorf("current attempt of one that waits = %+v (%v), want none", cur, err)
	}
	workers, err := c.Workers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(workers) != 1 || workers[0].Name != "w1" || !workers[0].Alive || len(workers[0].Assigned) != 1 {
		t.Errorf("workers = %+v, want w1 alive with one task", workers)
	}
}
