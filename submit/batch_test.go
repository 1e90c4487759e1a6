package submit

import (
	"slices"
	"strings"
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

func TestBatchesAreCutByTasksAndBytes(t *testing.T) {
	small := coordinator.Spec{Shell: "true"}
	big := coordinator.Spec{Shell: strings.Repeat("x", 100<<10)}
	tests := []struct {
		name  string
		specs []coordinator.Spec
		want  []int
	}{
		{name: "none", want: nil},
		{name: "one", specs: slices.Repeat([]coordinator.Spec{small}, 1), want: []int{1}},
		{name: "full", specs: slices.Repeat([]coordinator.Spec{small}, 100), want: []int{100}},
		{name: "one more", specs: slices.Repeat([]coordinator.Spec{small}, 101), want: []int{100, 1}},
		{name: "big ones", specs: slices.Repeat([]coordinator.Spec{big}, 5), want: []int{2, 2, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			batches, err := newBatches(tt.specs)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, b := range batches {
				got = append(got, len(b.ops))
				if b.given {
					t.Error("batch counts as having given keys")
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("batches of %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEveryTaskGetsAKeyOfItsOwn(t *testing.T) {
	batches, err := newBatches(slices.Repeat([]coordinator.Spec{{Shell: "true"}}, 50))
	if err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(slices.Values(batches[0].keys))
	if keys = slices.Compact(keys); len(keys) != 50 || keys[0] == "" {
		t.Errorf("got %d keys, the first %q, want 50 that are not empty", len(keys), keys[0])
	}
}

func TestGivenKeysMustDiffer(t *testing.T) {
	specs := []coordinator.Spec{{Shell: "a", Key: "k"}, {Shell: "b"}, {Shell: "c", Key: "k"}}
	_, err := newBatches(specs)
	if want := `submit: specs 0 and 2 have the same key "k"`; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// The service writes the number after 2147483647 as -2147483648.
func TestNumbersGoOnBehindTheOverflow(t *testing.T) {
	names := []string{"task--2147483648", "task-2147483647", "junk", "task--2147483646", "task-2147483646"}
	for from, want := range map[coordinator.Seq][]coordinator.TaskID{
		0:         {"task--2147483646", "task--2147483648", "task-2147483647", "task-2147483646"},
		1<<31 - 1: {"task--2147483646", "task--2147483648", "task-2147483647"},
		1 << 31:   {"task--2147483646", "task--2147483648"},
		1<<31 + 3: {},
	} {
		if got := fromNumber(names, from); !slices.Equal(got, want) {
			t.Errorf("from %d: %q, want %q", from, got, want)
		}
	}
	f := found{now: view{created: 1<<31 + 2}, from: 1<<31 - 1, numbered: 3}
	if !f.complete() {
		t.Error("three numbers around the overflow are not three")
	}
}

// A view that was read of a Stat lacks the highest bit of its number; the first
// task that is created tells it.
func TestAViewLearnsItsNumberFromTheFirstTask(t *testing.T) {
	for _, tt := range []struct {
		name             string
		had, given, want coordinator.Seq
		forgets          bool
	}{
		{name: "next", had: 7, given: 7, want: 8},
		{name: "others between", had: 7, given: 9, want: 10},
		{name: "of another tree", had: 7, given: 3, forgets: true},
		{name: "after the overflow, as read", had: 7, given: 1<<31 + 7, want: 1<<31 + 8},
		{name: "after the overflow, as known", had: 1<<31 + 7, given: 1<<31 + 7, want: 1<<31 + 8},
		{name: "at the overflow", had: 1<<31 - 1, given: 1 << 31, want: 1<<31 + 1},
		{name: "of another tree after the overflow", had: 1<<31 + 7, given: 1<<31 + 5, forgets: true},
	} {
		v := view{known: true, czxid: 1, created: tt.had}
		c := &Client{view: v}
		c.advance(v, tt.given)
		if c.view.known == tt.forgets || !tt.forgets && c.view.created != tt.want {
			t.Errorf("%s: view %+v, want %d", tt.name, c.view, tt.want)
		}
	}
}

func TestCandidatesAreTheNewestAndWhatIsAssigned(t *testing.T) {
	names := []string{"task-0000000003", "junk", "task-0000000001", "task-0000000010", "task-0000000002", "task-0000000000"}
	owners := map[coordinator.TaskID]string{"task-0000000000": "w1", "task-0000000010": "w2", "task-0000000001": "w3", "task-0000000002": "w4"}
	tests := []struct {
		reach int
		want  []coordinator.TaskID
	}{
		{reach: 9, want: []coordinator.TaskID{"task-0000000010", "task-0000000003", "task-0000000002", "task-0000000001", "task-0000000000"}},
		{reach: 2, want: []coordinator.TaskID{"task-0000000010", "task-0000000003", "task-0000000002", "task-0000000001"}},
		{reach: 1, want: []coordinator.TaskID{"task-0000000010", "task-0000000002"}},
	}
	for _, tt := range tests {
		if got := candidates(names, owners, tt.reach); !slices.Equal(got, tt.want) {
			t.Errorf("candidates(%d) = %v, want %v", tt.reach, got, tt.want)
		}
	}
}
