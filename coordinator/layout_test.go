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
		seq  Seq
		bad  bool
	}{
		{in: "42", want: "task-0000000042", seq: 42},
		{in: "task-0000000042", want: "task-0000000042", seq: 42},
		{in: "2147483647", want: "task-2147483647", seq: 2147483647},
		{in: "task--2147483648", want: "task--2147483648", seq: 1 << 31}, // after the overflow
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
	ids := []TaskID{"zebra", "task-0000000010", "task-10000000000", "apple", "task-0000000009", "task-2147483647", "task--2147483648"}
	slices.SortFunc(ids, CompareTaskIDs)
	want := []TaskID{"task-0000000009", "task-0000000010", "task-2147483647", "task--2147483648", "apple", "task-10000000000", "zebra"}
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
	for name, want := range map[string]int{"attempt-1": 1, "attempt-12": 12, "attempt-1000000": MaxAttempts} {
		if n, ok := ParseAttempt(name); n != want || !ok {
			t.Errorf("ParseAttempt(%q) = %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"status", "attempt-", "attempt-0", "attempt-01", "attempt--1", "attempt-+1", "attempt-x", "attempt-1000001", "attempt-9223372036854775807", "attempt-99999999999999999999"} {
		if n, ok := ParseAttempt(name); ok {
			t.Errorf("ParseAttempt(%q) = %d", name, n)
		}
	}
}

func TestLastAttempt(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  int
	}{
		{nil, 0},
		{[]string{"status", "note"}, 0},
		{[]string{"attempt-2", "attempt-10", "status", "attempt-9"}, 10},
		{[]string{"attempt-2", "attempt-9223372036854775807"}, 2},
	} {
		if got := LastAttempt(tt.names); got != tt.want {
			t.Errorf("LastAttempt(%q) = %d, want %d", tt.names, got, tt.want)
		}
	}
}

func TestInstanceName(t *testing.T) {
	for instance, want := range map[string]string{
		NewInstance("w-1"): "w-1",
		"w1-3f9a21c7":      "w1",
		"w1":               "w1",
		"build-machines":   "build-machines", // eight letters, and no hex
		"-3f9a21c7":        "-3f9a21c7",
		"":                 "",
	} {
		if got := InstanceName(instance); got != want {
			t.Errorf("InstanceName(%q) = %q, want %q", instance, got, want)
		}
	}
}
