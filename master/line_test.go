package master

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A line against a sorted slice.
func TestLineKeepsTheOrder(t *testing.T) {
	skipIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		var l line
		var model []seq
		never := func(seq) bool { return false }
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				for _, s := range rapid.SliceOfN(rapid.Uint32Range(0, 50), 1, 5).Draw(t, "tasks") {
					l.join(seq(s))
					model = append(model, seq(s))
				}
				l.settle()
				slices.Sort(model)
			},
			"next": func(t *rapid.T) {
				at := l.cursor
				s, ok := l.next(rapid.IntRange(0, 10).Draw(t, "limit"))
				if ok && s != model[at] {
					t.Fatalf("next = %d, want %d", s, model[at])
				}
			},
			"leave": func(t *rapid.T) {
				s, ok := l.trim(never)
				if ok != (len(model) > 0) || ok && s != model[0] {
					t.Fatalf("head = %d, %v, want the first of %v", s, ok, model)
				}
				if ok {
					l.drop(1)
					model = model[1:]
				}
			},
			"": func(t *rapid.T) {
				if !slices.Equal(l.order, model) {
					t.Fatalf("line = %v, want %v", l.order, model)
				}
				if l.cursor > len(l.order) {
					t.Fatalf("cursor %d beyond %d", l.cursor, len(l.order))
				}
			},
		})
	})
}

func TestLineExaminesWhatJoinsBeforeTheCursor(t *testing.T) {
	l := line{order: []seq{10, 20, 30}}
	l.next(3)
	l.next(3)
	l.join(15)
	l.settle()
	if s, ok := l.next(4); !ok || s != 15 {
		t.Errorf("next = %d, %v, want 15", s, ok)
	}
}
