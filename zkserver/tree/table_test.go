package tree

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

// TestTableIsAMap holds a table against a map through random changes.
func TestTableIsAMap(t *testing.T) {
	skipIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		var got table[name]
		want := map[string]struct{}{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "key"))
			switch rapid.IntRange(0, 6).Draw(t, "verb") {
			case 0, 1, 2:
				got.put(name(key))
				want[key] = struct{}{}
			case 3, 4:
				got.remove(key)
				delete(want, key)
			case 6:
				got.reserve(got.used + 1)
				_, there := want[key]
				if got.addNew(tag(key), name(key)) == there {
					t.Fatalf("%s: added, but it is there: %v", key, there)
				}
				want[key] = struct{}{}
			case 5:
				got.reserve(rapid.IntRange(0, 100).Draw(t, "room"))
			}
			if got.used != len(want) {
				t.Fatalf("%d in the table, want %d", got.used, len(want))
			}
			for key := range 61 {
				key := fmt.Sprint(key)
				_, there := want[key]
				if found := got.get(key); (found != "") != there {
					t.Fatalf("%s: found %q, want it there: %v", key, found, there)
				}
			}
		}
		var all []string
		for _, n := range got.appendAll(nil) {
			all = append(all, string(n))
		}
		if slices.Sort(all); !slices.Equal(all, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("all are %q, want %q", all, slices.Sorted(maps.Keys(want)))
		}
	})
}

func TestTableGivesRoomBack(t *testing.T) {
	var tb table[name]
	for i := range 10_000 {
		key := fmt.Sprint(i)
		tb.put(name(key))
	}
	for i := range 9_990 {
		key := fmt.Sprint(i)
		tb.remove(key)
	}
	if len(tb.slots) > 200 {
		t.Errorf("%d slots for 10 names", len(tb.slots))
	}
}

func BenchmarkTable(b *testing.B) {
	var tb table[*node]
	nodes := make([]*node, 1000)
	for i := range nodes {
		nodes[i] = &node{path: fmt.Sprintf("/some/path/of/a/znode-%010d", i)}
		tb.put(nodes[i])
	}
	for i := 0; b.Loop(); i++ {
		n := nodes[i%len(nodes)]
		if tb.get(n.path) != n {
			b.Fatal("not found")
		}
	}
}

// TestNamesThatCollideInAKnownHashDoNot: the names have equal upper bits in the
// hash that everybody can compute.
func TestNamesThatCollideInAKnownHashDoNot(t *testing.T) {
	skipIfShort(t)
	var tb table[name]
	for i := 0; tb.used < 2000; i++ {
		if key := fmt.Sprint(i); xxhash.Sum64String(key)>>54 == 0 {
			tb.put(name(key))
		}
	}
	longest, run := 0, 0
	for _, tag := range tb.hashes {
		if run++; tag == 0 {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest > 500 {
		t.Errorf("%d slots in a row are taken of %d for %d names", longest, len(tb.slots), tb.used)
	}
}

// skipIfShort leaves a long test of one goroutine to the runs without the race
// detector, which has nothing to see there.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a model on one goroutine, tested without -short")
	}
}
