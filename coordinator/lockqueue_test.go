package coordinator

import (
	"slices"
	"testing"
)

func TestPredecessor(t *testing.T) {
	tests := []struct {
		name   string
		names  []string
		own    string
		ahead  string
		queued bool
	}{
		{"alone", []string{"_c_a-lock-0000000003"}, "_c_a-lock-0000000003", "", true},
		{"first", []string{"_c_b-lock-0000000004", "_c_a-lock-0000000003"}, "_c_a-lock-0000000003", "", true},
		{"behind the nearest", []string{"_c_c-lock-0000000005", "_c_a-lock-0000000003", "_c_b-lock-0000000004"}, "_c_c-lock-0000000005", "_c_b-lock-0000000004", true},
		{"names do not count", []string{"_c_z-lock-0000000001", "_c_a-lock-0000000002"}, "_c_a-lock-0000000002", "_c_z-lock-0000000001", true},
		{"strangers do not count", []string{"lease", "_c_a-lock-0000000002", "x-lock-", "y-lock-99999999999"}, "_c_a-lock-0000000002", "", true},
		{"gone", []string{"_c_b-lock-0000000004"}, "_c_a-lock-0000000003", "", false},
		{"a reader passes readers", []string{"_c_a-lock-0000000001", "_c_b-read-0000000002", "_c_c-read-0000000003"}, "_c_c-read-0000000003", "_c_a-lock-0000000001", true},
		{"a reader among readers", []string{"_c_b-read-0000000002", "_c_c-read-0000000003", "_c_d-lock-0000000004"}, "_c_c-read-0000000003", "", true},
		{"a writer waits for readers", []string{"_c_b-read-0000000002", "_c_c-lock-0000000003"}, "_c_c-lock-0000000003", "_c_b-read-0000000002", true},
		{"a twin does not count", []string{"_c_a-lock-0000000002", "_c_a-lock-0000000003"}, "_c_a-lock-0000000003", "", true},
		{"only a twin is there", []string{"_c_a-lock-0000000002"}, "_c_a-lock-0000000003", "", false},
		{"after the overflow", []string{"_c_a-lock-2147483647", "_c_b-lock--2147483648"}, "_c_b-lock--2147483648", "_c_a-lock-2147483647", true},
		{"before the overflow", []string{"_c_a-lock-2147483647", "_c_b-lock--2147483648"}, "_c_a-lock-2147483647", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ahead, queued := predecessor(tt.names, tt.own, tt.own[:5])
			if queued != tt.queued || queued && ahead != tt.ahead {
				t.Errorf("predecessor = %q, %v, want %q, %v", ahead, queued, tt.ahead, tt.queued)
			}
		})
	}
}

func TestContendersAreInOrder(t *testing.T) {
	names := []string{"_c_d-read-0000000004", "_c_b-read-0000000002", "lease", "_c_a-read-0000000001", "_c_c-lock-0000000003"}
	got := contenders(names)
	want := []Contender{
		{"_c_a-read-0000000001", true, true}, {"_c_b-read-0000000002", true, true}, {"_c_c-lock-0000000003", false, false}, {"_c_d-read-0000000004", true, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("contenders = %v, want %v", got, want)
	}
	if got := contenders([]string{"_c_b-lock--2147483648", "_c_a-lock-2147483647"}); got[0].Name != "_c_a-lock-2147483647" || !got[0].Holds || got[1].Holds {
		t.Errorf("contenders at the overflow = %v", got)
	}
}
