package watch

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// TestWhichChangeFiresWhichWatch is the table of the package doc.
func TestWhichChangeFiresWhichWatch(t *testing.T) {
	tests := []struct {
		event                                             EventType
		data, child, persistent, recursive, above, beside bool
	}{
		{event: Created, data: true, persistent: true, recursive: true, above: true},
		{event: Deleted, data: true, child: true, persistent: true, recursive: true, above: true},
		{event: DataChanged, data: true, persistent: true, recursive: true, above: true},
		{event: ChildrenChanged, child: true, persistent: true},
	}
	for _, tt := range tests {
		w := NewTable()
		w.Add(Data, "/a", 1)
		w.Add(Child, "/a", 2)
		w.Add(Persistent, "/a", 3)
		w.Add(PersistentRecursive, "/a", 4)
		w.Add(PersistentRecursive, "/", 5)
		w.Add(PersistentRecursive, "/ab", 6)
		w.Add(Data, "/", 6)
		var want []Conn
		for i, fires := range []bool{tt.data, tt.child, tt.persistent, tt.recursive, tt.above, tt.beside} {
			if fires {
				want = append(want, Conn(i+1))
			}
		}
		if got := slices.Collect(w.Trigger(Event{tt.event, "/a"})); !slices.Equal(got, want) {
			t.Errorf("event %d fires for %v, want %v", tt.event, got, want)
		}
		if w.Has(Data, "/a", 1) == tt.data || w.Has(Child, "/a", 2) == tt.child {
			t.Errorf("event %d: a one-shot watch did not go when it fired, or went without", tt.event)
		}
		if !w.Has(Persistent, "/a", 3) || !w.Has(PersistentRecursive, "/a", 4) || !w.Has(PersistentRecursive, "/", 5) {
			t.Errorf("event %d: a persistent watch went", tt.event)
		}
	}
}

// TestOneEventForAConnection: wire fact 26, one session with every watch on a
// znode that is deleted.
func TestOneEventForAConnection(t *testing.T) {
	w := NewTable()
	w.Add(Data, "/a/b", 1)
	w.Add(Child, "/a/b", 1)
	w.Add(Child, "/a", 1)
	w.Add(PersistentRecursive, "/a/b", 2)
	w.Add(PersistentRecursive, "/a", 2)
	w.Add(PersistentRecursive, "/", 2)
	got := slices.Collect(w.Trigger(Event{Deleted, "/a/b"}))
	if want := []Conn{1, 2}; !slices.Equal(got, want) {
		t.Errorf("deleted fires for %v, want %v", got, want)
	}
	got = slices.Collect(w.Trigger(Event{ChildrenChanged, "/a"}))
	if want := []Conn{1}; !slices.Equal(got, want) {
		t.Errorf("children changed fires for %v, want %v", got, want)
	}
	if got := w.Count(1); got != 0 {
		t.Errorf("%d watches left, want 0", got)
	}
}

// TestTheLastWatchSetHolds: wire fact 28.
func TestTheLastWatchSetHolds(t *testing.T) {
	w := NewTable()
	w.Add(Persistent, "/a", 1)
	w.Add(Data, "/a", 1) // ends the persistent data watch, not the child watch
	// fires tells how many of two events in a row are heard.
	fires := func(ev EventType) (heard int) {
		for range 2 {
			heard += min(len(slices.Collect(w.Trigger(Event{ev, "/a"}))), 1)
		}
		return heard
	}
	if fires(DataChanged) != 1 {
		t.Error("the data watch did not fire once")
	}
	if fires(ChildrenChanged) != 2 {
		t.Error("the child watch did not stay")
	}
	w.Add(Data, "/a", 1)
	w.Add(Persistent, "/a", 1)
	if fires(DataChanged) != 2 {
		t.Error("the persistent watch did not take the one-shot watch's place")
	}
	w.Add(PersistentRecursive, "/a", 1)
	if fires(ChildrenChanged) != 0 || fires(Created) != 2 {
		t.Error("the recursive watch did not take the persistent watch's place")
	}
}

func TestRemove(t *testing.T) {
	tests := []struct {
		name     string
		add      Kind
		remove   Kind
		removed  bool
		leftover int
	}{
		{"data", Data, Data, true, 0},
		{"child", Child, Child, true, 0},
		{"data is not child", Data, Child, false, 1},
		{"data half of persistent", Persistent, Data, true, 1},
		{"child half of recursive", PersistentRecursive, Child, true, 1},
		{"persistent", Persistent, Persistent, true, 0},
		{"persistent is not recursive", Persistent, PersistentRecursive, false, 2},
		{"recursive", PersistentRecursive, PersistentRecursive, true, 0},
		{"one-shot is not persistent", Data, Persistent, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := NewTable()
			w.Add(tt.add, "/a", 1)
			w.Add(Data, "/a", 2)
			if w.Remove(tt.remove, "/a", 3) || w.Remove(tt.remove, "/b", 1) {
				t.Error("removed what is not there")
			}
			if got := w.Has(tt.remove, "/a", 1); got != tt.removed {
				t.Errorf("has = %v, want %v", got, tt.removed)
			}
			if got := w.Remove(tt.remove, "/a", 1); got != tt.removed {
				t.Errorf("removed = %v, want %v", got, tt.removed)
			}
			if got := w.Count(1); got != tt.leftover {
				t.Errorf("left = %d, want %d", got, tt.leftover)
			}
			if w.Count(2) != 1 {
				t.Error("another connection's watch went")
			}
		})
	}
}

// TestTriggerWhileRanging: events of a multi come one after another, and who
// hears of one may be closed for it.
func TestTriggerWhileRanging(t *testing.T) {
	w := NewTable()
	for conn := range Conn(20) {
		w.Add(Data, "/a", conn)
		w.Add(Child, "/", conn)
	}
	heard := 0
	for conn := range w.Trigger(Event{Created, "/a"}) {
		heard++
		w.RemoveConn(conn)
		w.Add(Data, "/a", conn)
		for range w.Trigger(Event{ChildrenChanged, "/nosuch"}) {
			t.Error("heard of nothing")
		}
	}
	if heard != 20 || w.Counts() != (Counts{Conns: 20, Paths: 1, Watches: 20}) {
		t.Errorf("heard %d, left %+v", heard, w.Counts())
	}
	if w.DataCounts() != w.Counts() {
		t.Errorf("data watches = %+v, want %+v", w.DataCounts(), w.Counts())
	}
	for conn, path := range w.DataWatches() {
		if path != "/a" || conn < 0 || conn >= 20 {
			t.Errorf("watch of %d on %s", conn, path)
		}
	}
}

func BenchmarkTriggerOneOf100000(b *testing.B) {
	w := NewTable()
	for i := range 100_000 {
		w.Add(Data, fmt.Sprintf("/tasks/task-%010d", i), Conn(i%100))
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Add(Data, "/tasks/task-0000000007", 7)
		for range w.Trigger(Event{DataChanged, "/tasks/task-0000000007"}) {
		}
	}
}

func BenchmarkTriggerNobody(b *testing.B) {
	w := NewTable()
	w.Add(Data, "/a", 1)
	b.ReportAllocs()
	for b.Loop() {
		for range w.Trigger(Event{DataChanged, "/tasks/task-0000000007"}) {
		}
	}
}

// What is left of a table that was large is all there.
func TestTableShrinksWhenAConnectionLeaves(t *testing.T) {
	w := NewTable()
	for i := range 5000 {
		w.Add(Data, "/"+strconv.Itoa(i), 1)
	}
	for i := range 100 {
		w.Add(Data, "/"+strconv.Itoa(i), 2)
	}
	w.RemoveConn(1)
	if w.data.peak != 100 || w.Len() != 100 {
		t.Errorf("%d paths are remembered for %d watches", w.data.peak, w.Len())
	}
	for i := range 100 {
		if !w.Has(Data, "/"+strconv.Itoa(i), 2) {
			t.Errorf("watch %d is gone", i)
		}
	}
}
