package coordinator

import (
	"fmt"
	"testing"
)

func TestParseTaskSeq(t *testing.T) {
	tests := []struct {
		name string
		want Seq
		ok   bool
	}{
		{"task-0000000000", 0, true},
		{"task-0000000042", 42, true},
		{"task-2147483647", 1<<31 - 1, true},
		{"task--2147483648", 1 << 31, true}, // the service's count has overflowed
		{"task--000000001", 1<<32 - 1, true},
		{"task-2147483648", 0, false},
		{"task-42", 0, false}, // another znode
		{"task-00000000042", 0, false},
		{"task-+000000042", 0, false},
		{"task-000000004x", 0, false},
		{"task--1", 0, false},
		{"job-0000000042", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		n, ok := ParseTaskSeq(tt.name)
		if ok != tt.ok || ok && (n != tt.want || string(n.TaskID()) != tt.name) {
			t.Errorf("ParseTaskSeq(%q) = %d, %v, %s", tt.name, n, ok, n.TaskID())
		}
	}
	if got := fmt.Sprint(Seq(7)); got != "0000000007" {
		t.Errorf("Seq(7) = %s", got)
	}
}

func TestNearGivesTheHighestBit(t *testing.T) {
	for _, tt := range []struct{ n, near, want Seq }{
		{5, 0, 5}, {5, 1<<31 + 4, 1<<31 + 5}, {1<<31 + 5, 3, 5}, {1<<31 - 1, 1 << 31, 1<<31 - 1}, {0, 1<<31 - 1, 1 << 31}, {1 << 31, 1<<32 - 1, 0},
	} {
		if got := tt.n.Near(tt.near); got != tt.want {
			t.Errorf("%d near %d is %d, want %d", tt.n, tt.near, got, tt.want)
		}
	}
}
