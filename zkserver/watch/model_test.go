package watch

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A model is a list of watches, looked through for every event.
type model []modelWatch

type modelWatch struct {
	child bool
	path  string
	conn  Conn
	mode  mode
}

func (m *model) add(kind Kind, path string, conn Conn) {
	set := func(child bool, mode mode) {
		m.remove(func(w modelWatch) bool { return w.child == child && w.path == path && w.conn == conn })
		*m = append(*m, modelWatch{child, path, conn, mode})
	}
	switch kind {
	case Data:
		set(false, once)
	case Child:
		set(true, once)
	default:
		mode := map[Kind]mode{Persistent: stays, PersistentRecursive: recursive}[kind]
		set(false, mode)
		set(true, mode)
	}
}

func (m *model) remove(which func(modelWatch) bool) bool {
	before := len(*m)
	*m = slices.DeleteFunc(*m, which)
	return len(*m) < before
}

func (m *model) trigger(ev Event) []Conn {
	fires := func(w modelWatch) bool {
		half := w.child && (ev.Type == Deleted || ev.Type == ChildrenChanged) || !w.child && ev.Type != ChildrenChanged
		if w.mode == recursive {
			below := w.path == "/" || ev.Path == w.path || strings.HasPrefix(ev.Path, w.path+"/")
			return half && below && ev.Type != ChildrenChanged
		}
		return half && w.path == ev.Path
	}
	var conns []Conn
	for _, w := range *m {
		if fires(w) {
			conns = append(conns, w.conn)
		}
	}
	m.remove(func(w modelWatch) bool { return fires(w) && w.mode == once })
	slices.Sort(conns)
	return slices.Compact(conns)
}

func (m *model) counts() Counts {
	type place struct {
		child bool
		path  string
	}
	conns, places := map[Conn]bool{}, map[place]bool{}
	for _, w := range *m {
		conns[w.conn], places[place{w.child, w.path}] = true, true
	}
	return Counts{Conns: len(conns), Paths: len(places), Watches: len(*m)}
}

func TestTableIsLikeTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, m := NewTable(), &model{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			kind := Kind(rapid.IntRange(0, 3).Draw(t, "kind"))
			path := rapid.SampledFrom([]string{"/", "/a", "/a/b", "/a/b/c", "/ab"}).Draw(t, "path")
			conn := Conn(rapid.IntRange(1, 12).Draw(t, "conn"))
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				w.RemoveConn(conn)
				m.remove(func(w modelWatch) bool { return w.conn == conn })
			case 1:
				got := w.Remove(kind, path, conn)
				want := m.remove(func(w modelWatch) bool {
					of := map[Kind]bool{
						Data: !w.child, Child: w.child, Persistent: w.mode == stays, PersistentRecursive: w.mode == recursive,
					}[kind]
					return of && w.path == path && w.conn == conn
				})
				if got != want {
					t.Fatalf("removed = %v, want %v", got, want)
				}
			case 2, 3, 4:
				ev := Event{EventType(rapid.IntRange(1, 4).Draw(t, "event")), path}
				if got, want := slices.Collect(w.Trigger(ev)), m.trigger(ev); !slices.Equal(got, want) {
					t.Fatalf("%v fires for %v, want %v", ev, got, want)
				}
			default:
				w.Add(kind, path, conn)
				m.add(kind, path, conn)
			}
			if got, want := w.Counts(), m.counts(); got != want {
				t.Fatalf("counts = %+v, want %+v", got, want)
			}
			bytes := 0
			for _, one := range *m {
				bytes += len(one.path)
			}
			if w.Bytes() != bytes {
				t.Fatalf("paths have %d bytes, want %d", w.Bytes(), bytes)
			}
		}
		for conn := range Conn(13) {
			w.RemoveConn(conn)
		}
		if w.Counts() != (Counts{}) || w.Bytes() != 0 || w.data.recursive != 0 || w.child.recursive != 0 {
			t.Fatalf("left %+v", w)
		}
	})
}
