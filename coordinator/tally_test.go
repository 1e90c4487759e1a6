package coordinator

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// statAfter is what a service shows after so many creations and deletions.
func statAfter(czxid int64, creations uint32, deletions int) Stat {
	return Stat{
		Czxid:       czxid,
		Cversion:    int32(creations + uint32(deletions)),
		NumChildren: int(int32(creations)) - deletions,
	}
}

func TestCreated(t *testing.T) {
	tests := []struct {
		stat Stat
		near Seq
		want Seq
	}{
		{Stat{}, 0, 0},
		{Stat{Cversion: 3, NumChildren: 3}, 2, 3},
		{Stat{Cversion: 5, NumChildren: 1}, 0, 3},
		{Stat{Cversion: 41, NumChildren: 41}, 5000, 41}, // somebody made 5000 by hand
		// 2³¹-1 creations, of which 10 are left; one more, and the number is negative.
		{Stat{Cversion: -12, NumChildren: 10}, 1<<31 - 2, 1<<31 - 1},
		{Stat{Cversion: -11, NumChildren: 11}, 1<<31 - 1, 1 << 31},
		{Stat{Cversion: -11, NumChildren: 11}, 1 << 31, 1 << 31},
	}
	for _, tt := range tests {
		if got := Created(tt.stat, tt.near); got != tt.want {
			t.Errorf("Created(%+v, %d) = %d, want %d", tt.stat, tt.near, got, tt.want)
		}
	}
}

// The 32nd bit is that of the names that are there, whatever some of them are
// that were made by hand.
func TestCreatedAmong(t *testing.T) {
	for _, creations := range []Seq{0, 5, 4000, 1 << 30, 1<<31 - 1, 1 << 31, 1<<31 + 5, 1<<31 + 4000, 3 << 30, 1<<32 - 1} {
		for _, hand := range []Seq{0, 1000, 5000, 1 << 30, 2_000_000_000, 1<<31 + 7, 3 << 30, 1<<32 - 7} {
			names := []string{"task-" + hand.String(), "notes"}
			for back := range Seq(1000) {
				names = append(names, "task-"+(creations-1-back).String())
			}
			stat := statAfter(1, uint32(creations), int(uint32(creations)-uint32(len(names))))
			if got := CreatedAmong(stat, "task-", names); got != creations {
				t.Errorf("CreatedAmong = %d, want %d, with %d made by hand", got, creations, hand)
			}
		}
	}
	if got := CreatedAmong(statAfter(1, 7, 7), "task-", nil); got != 7 {
		t.Errorf("without children: %d, want 7", got)
	}
}

// Whatever was made and deleted: as long as a tally is not dirty, what was found
// under the numbers given is all there is besides what was listed.
func TestCleanTallyHasItAll(t *testing.T) {
	if testing.Short() {
		t.Skip("a model on one goroutine, where the race detector has nothing to see: tested without -short")
	}
	rapid.Check(t, func(t *rapid.T) {
		there := make(map[string]bool) // in the directory
		known := make(map[string]bool) // to who keeps the tally
		creations, deletions, odd := uint32(0), 0, 0
		var tl tally
		tl.listed(statAfter(1, 0, 0), 0, 0)
		t.Repeat(map[string]func(*rapid.T){
			"sequential": func(*rapid.T) { there[Seq(creations).String()] = true; creations++ },
			"by hand": func(t *rapid.T) {
				odd++
				there[string(rune('a'+odd%26))+Seq(odd).String()] = true
				creations++
			},
			"delete": func(t *rapid.T) {
				if len(there) > 0 {
					delete(there, rapid.SampledFrom(slices.Sorted(maps.Keys(there))).Draw(t, "name"))
					deletions++
				}
			},
			"look": func(t *rapid.T) {
				stat := statAfter(1, creations, deletions)
				n, ok := tl.given(stat)
				if !ok {
					t.Fatal("the count makes no sense")
				}
				found := 0
				for i := range n {
					if name := (tl.next + Seq(i)).String(); there[name] {
						known[name] = true
						found++
					}
				}
				tl.looked(stat, n, found, true)
				if tl.dirty {
					return
				}
				if len(known) != len(there) {
					t.Fatalf("%d known, %d there", len(known), len(there))
				}
				for name := range there {
					if !known[name] {
						t.Fatalf("%s is not known", name)
					}
				}
			},
			"list": func(t *rapid.T) {
				clear(known)
				for name := range there {
					known[name] = true
				}
				tl.listed(statAfter(1, creations, deletions), len(there), Seq(creations))
				if tl.dirty {
					t.Fatal("dirty after a listing")
				}
			},
			"": func(*rapid.T) {},
		})
	})
}

func TestAnotherDirectoryIsNoticed(t *testing.T) {
	var tl tally
	tl.listed(statAfter(1, 10, 0), 10, 10)
	if _, ok := tl.given(statAfter(2, 12, 0)); ok {
		t.Error("a directory that was made again is taken for the old one")
	}
	if _, ok := tl.given(statAfter(1, 9, 0)); ok {
		t.Error("a count that fell is taken for good")
	}
	if n, ok := tl.given(statAfter(1, 13, 2)); n != 3 || !ok {
		t.Errorf("given = %d, %v", n, ok)
	}
}
