package master

import (
	"maps"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// A taskSet against a map.
func TestTaskSetIsAMapInOrder(t *testing.T) {
	skipIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		var ts taskSet
		model := make(map[seq]uint32)
		anySeq := rapid.OneOf(rapid.Uint32Range(0, 300), rapid.Uint32Range(1<<31-300, 1<<31+300))
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				s := seq(anySeq.Draw(t, "task"))
				if _, ok := model[s]; ok {
					t.Skip("there")
				}
				ts.add(s).attempts = uint32(s)
				model[s] = uint32(s)
			},
			"delete": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				s := rapid.SampledFrom(slices.Sorted(maps.Keys(model))).Draw(t, "task")
				ts.delete(s)
				delete(model, s)
			},
			"get": func(t *rapid.T) {
				s := seq(anySeq.Draw(t, "task"))
				attempts, ok := model[s]
				if got := ts.get(s); (got != nil) != ok || ok && got.attempts != attempts {
					t.Fatalf("get(%d) = %v, want %v", s, got, ok)
				}
			},
			"": func(t *rapid.T) {
				var all []seq
				for s := range ts.all() {
					all = append(all, s)
				}
				if want := slices.Sorted(maps.Keys(model)); !slices.Equal(all, want) {
					t.Fatalf("all = %v, want %v", all, want)
				}
				if ts.n != len(model) {
					t.Fatalf("n = %d, want %d", ts.n, len(model))
				}
			},
		})
		for s := range ts.all() {
			ts.delete(s)
		}
		if len(ts.pages) > 0 || ts.n != 0 {
			t.Fatalf("%d pages stay for %d tasks", len(ts.pages), ts.n)
		}
	})
}

func TestTaskIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(task{}); size > 32 {
		t.Errorf("a task takes %d bytes", size)
	}
}

func BenchmarkListing(b *testing.B) {
	names := make([]string, 110_000)
	for i := range names {
		names[i] = string(seq(i).TaskID())
	}
	s := newSim(b)
	for b.Loop() {
		s.b.tasksListed(names, 1)
	}
}
