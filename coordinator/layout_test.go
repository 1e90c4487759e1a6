package coordinator

import (
	"regexp"
	"slices"
	"testing"
)

func TestParseTaskID(t *testing.T) {
	tests := []struct {
		in   string
		want TaskID
		seq  int64
		bad  bool
	}{
		{in: "42", want: "task-0000000042", seq: 42},
		{in: "task-0000000042", want: "task-0000000042", seq: 42},
		{in: "2147483647", want: "task-2147483647", seq: 2147483647},
		{in: "task--2147483648", want: "task--2147483648", seq: -2147483648}, // after the overflow
		{in: "", bad: true},
		{in: "task-", bad: true},
		{in: "task-x", bad: true},
		{in: "99999999999", bad: true},
		{in: "task-1/status", bad: true},
		{in: "../master", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			id, err := ParseTaskID(tt.in)
			if id != tt.want || (err != nil) != tt.bad {
				t.Fatalf("ParseTaskID = %q, %v, want %q", id, err, tt.want)
			}
			if seq, ok := id.Seq(); !tt.bad && (seq != tt.seq || !ok) {
				t.Errorf("Seq = %d, %v, want %d", seq, ok, tt.seq)
			}
		})
	}
}

func TestCompareTaskIDs(t *testing.T) {
	ids := []TaskID{"zebra", "task-0000000010", "task-10000000000", "apple", "task-0000000009", "task-2147483647"}
	slices.SortFunc(ids, CompareTaskIDs)
	want := []TaskID{"task-0000000009", "task-0000000010", "task-2147483647", "apple", "task-10000000000", "zebra"}
	if !slices.Equal(ids, want) {
		t.Errorf("sorted = %q, want %q", ids, want)
	}
}

func TestPaths(t *testing.T) {
	const id = TaskID("task-0000000042")
	for got, want := range map[string]string{
		TaskPath(id):                 "/tasks/task-0000000042",
		AttemptPath(id, 3):           "/tasks/task-0000000042/attempt-3",
		StatusPath(id):               "/tasks/task-0000000042/status",
		WorkerPath("w1"):             "/workers/w1",
		AssignmentPath("w1", id):     "/assign/w1/task-0000000042",
		AssignmentsPath("w1"):        "/assign/w1",
		TaskPrefix + "0000000042":    "/tasks/task-0000000042",
		TaskPath("../../etc"):        "/tasks/../../etc", // refused by checkPath, not cleaned away
		AssignmentPath("w", "a/../"): "/assign/w/a/../",
	} {
		if got != want {
			t.Errorf("path = %q, want %q", got, want)
		}
	}
	if !regexp.MustCompile(`^w1-[0-9a-f]{8}$`).MatchString(NewInstance("w1")) {
		t.Errorf("NewInstance = %q", NewInstance("w1"))
	}
}

func TestParseAttempt(t *testing.T) {
	for name, want := range map[string]int{"attempt-1": 1, "attempt-12": 12} {
		if n, ok := ParseAttempt(name); n != want || !ok {
			t.Errorf("ParseAttempt(%q) = %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"status", "attempt-", "attempt-0", "attempt-01", "attempt--1", "attempt-+1", "attempt-x", "attempt-99999999999999999999"} {
		if n, ok := ParseAttempt(name); ok {
			t.Errorf("ParseAttempt(%q) = %d", name, n)
		}
	}
}
