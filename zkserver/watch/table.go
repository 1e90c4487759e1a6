package watch

import (
	"iter"
	"slices"
)

// A Conn is the server's number for a connection.
type Conn int64

// A Kind says what is watched, and whether for once.
type Kind uint8

const (
	Data                Kind = iota // once: created, deleted or written
	Child                           // once: deleted, or children came or went
	Persistent                      // both, until removed
	PersistentRecursive             // znodes at or below the path created, deleted or written, until removed
)

// An EventType says what happened, in the numbers of the wire.
type EventType int32

const (
	Created         EventType = 1
	Deleted         EventType = 2
	DataChanged     EventType = 3
	ChildrenChanged EventType = 4
)

// An Event is a change to one znode.
type Event struct {
	Type EventType
	Path string
}

// A Table has the watches of all connections, in two halves that hear of
// different events.
type Table struct {
	data  half
	child half
}

// NewTable gives a table without watches.
func NewTable() *Table { return &Table{data: newHalf(), child: newHalf()} }

// Add sets a watch, in place of an earlier one of the same connection on the
// same path and half.
func (t *Table) Add(kind Kind, path string, conn Conn) {
	switch kind {
	case Data:
		t.data.add(path, conn, once)
	case Child:
		t.child.add(path, conn, once)
	case Persistent:
		t.data.add(path, conn, stays)
		t.child.add(path, conn, stays)
	case PersistentRecursive:
		t.data.add(path, conn, recursive)
		t.child.add(path, conn, recursive)
	}
}

// Trigger removes the one-shot watches the event fires and yields the
// connections that must hear of it, each once. The removal is done when Trigger
// returns, and the caller may change the table while it ranges.
func (t *Table) Trigger(ev Event) iter.Seq[Conn] {
	fired := t.trigger(ev)
	if len(fired) == 0 {
		return nobody // most changes
	}
	slices.Sort(fired)
	return slices.Values(slices.Compact(fired)) // once, though fired for several reasons
}

func nobody(func(Conn) bool) {}

func (t *Table) trigger(ev Event) (fired []Conn) {
	switch ev.Type {
	case Created, DataChanged:
		fired = t.data.trigger(ev, fired)
	case Deleted:
		fired = t.data.trigger(ev, fired)
		fired = t.child.trigger(ev, fired)
	case ChildrenChanged:
		fired = t.child.trigger(ev, fired)
	}
	return fired
}

// Has reports whether the connection has a watch on this path: for Data and
// Child one of that half, of whatever kind.
func (t *Table) Has(kind Kind, path string, conn Conn) bool {
	return t.each(kind, func(h *half, m mode) bool { return h.has(path, conn, m) })
}

// Remove takes away the watches for which Has reports true, and reports whether
// there were any.
func (t *Table) Remove(kind Kind, path string, conn Conn) bool {
	return t.each(kind, func(h *half, m mode) bool {
		if !h.has(path, conn, m) {
			return false
		}
		h.remove(path, conn)
		return true
	})
}

// each calls do with the halves and the mode that kind means, and reports
// whether any call did.
func (t *Table) each(kind Kind, do func(h *half, m mode) bool) bool {
	switch kind {
	case Data:
		return do(&t.data, anyMode)
	case Child:
		return do(&t.child, anyMode)
	}
	m := stays
	if kind == PersistentRecursive {
		m = recursive
	}
	inData := do(&t.data, m)
	return do(&t.child, m) || inData
}

// RemoveConn takes away all watches of a connection, in time in proportion to
// their number.
func (t *Table) RemoveConn(conn Conn) {
	t.data.removeConn(conn)
	t.child.removeConn(conn)
}

// Count is the number of a connection's watches. A persistent one counts
// twice.
func (t *Table) Count(conn Conn) int { return len(t.data.byConn[conn]) + len(t.child.byConn[conn]) }

// Len is the number of watches. A persistent one counts twice.
func (t *Table) Len() int { return t.data.watches + t.child.watches }

// Bytes is the length of the paths of all watches. That of a persistent one
// counts twice.
func (t *Table) Bytes() int { return t.data.bytes + t.child.bytes }

// Counts sizes a table, or a half of it.
type Counts struct {
	Conns   int // connections that have a watch
	Paths   int // paths that are watched; one watched in both halves counts twice
	Watches int // a persistent or recursive watch counts twice
}

// Counts sizes the table.
func (t *Table) Counts() Counts {
	c := Counts{
		Conns:   len(t.data.byConn),
		Paths:   len(t.data.byPath) + len(t.child.byPath),
		Watches: t.data.watches + t.child.watches,
	}
	for conn := range t.child.byConn {
		if _, too := t.data.byConn[conn]; !too {
			c.Conns++
		}
	}
	return c
}

// DataCounts sizes the data watches alone: what the four-letter word wchs
// tells.
func (t *Table) DataCounts() Counts {
	return Counts{Conns: len(t.data.byConn), Paths: len(t.data.byPath), Watches: t.data.watches}
}

// DataWatches yields the data watches, in no order: what the four-letter words
// wchc and wchp list.
func (t *Table) DataWatches() iter.Seq2[Conn, string] {
	return func(yield func(Conn, string) bool) {
		for conn, paths := range t.data.byConn {
			for path := range paths {
				if !yield(conn, path) {
					return
				}
			}
		}
	}
}
