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

// The numbers are those of Apache ZooKeeper 3.8: its Cversion counts creates
// and deletes, its sequence numbers creates only.
func TestStatTellsTheNextNumber(t *testing.T) {
	tests := []struct {
		name     string
		cversion int32
		children int
		want     int64
	}{
		{name: "new", cversion: 0, children: 0, want: 0},
		{name: "three created", cversion: 3, children: 3, want: 3},
		{name: "three created, two deleted", cversion: 5, children: 1, want: 3},
		{name: "all deleted", cversion: 6, children: 0, want: 3},
		{name: "past the sign", cversion: -2147483648, children: 0, want: 1 << 30},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := created(coordinator.Stat{Cversion: tt.cversion, NumChildren: tt.children}); got != tt.want {
				t.Errorf("created = %d, want %d", got, tt.want)
			}
		})
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
