package watch

import (
	"maps"
	"strings"
)

// A mode says how long a watch lasts and how far it reaches.
type mode uint8

const (
	anyMode mode = iota // of no watch: matches all
	once
	stays
	recursive
)

// A half has the data watches of a table, or the child watches.
type half struct {
	byPath map[string]conns
	byConn map[Conn]map[string]struct{}

	watches   int
	peak      int // most paths there were since byPath was made
	bytes     int // of their paths; each connection has its own copy
	recursive int // how many of them are; without any, parents need no look
}

func newHalf() half {
	return half{byPath: make(map[string]conns), byConn: make(map[Conn]map[string]struct{})}
}

func (h *half) add(path string, conn Conn, m mode) {
	c := h.byPath[path]
	old := c.mode(conn)
	h.byPath[path] = c.with(conn, m)
	h.peak = max(h.peak, len(h.byPath))
	if old == anyMode {
		h.watches++
		h.bytes += len(path)
		paths := h.byConn[conn]
		if paths == nil {
			paths = make(map[string]struct{})
			h.byConn[conn] = paths
		}
		paths[path] = struct{}{}
	}
	h.countRecursive(old, -1)
	h.countRecursive(m, 1)
}

func (h *half) countRecursive(m mode, n int) {
	if m == recursive {
		h.recursive += n
	}
}

// trigger appends the connections that hear of ev in this half, and removes
// their one-shot watches.
func (h *half) trigger(ev Event, fired []Conn) []Conn {
	if c, watched := h.byPath[ev.Path]; watched {
		fired = h.triggerAt(c, ev, fired)
	}
	if h.recursive > 0 && ev.Type != ChildrenChanged {
		fired = h.triggerAbove(ev.Path, fired)
	}
	return fired
}

// triggerAt appends those of c, which watch the event's own path.
func (h *half) triggerAt(c conns, ev Event, fired []Conn) []Conn {
	var spent []Conn
	for conn, m := range c.all() {
		switch {
		case m == recursive && ev.Type == ChildrenChanged:
			continue // it hears of the children themselves
		case m == once:
			spent = append(spent, conn)
		}
		fired = append(fired, conn)
	}
	for _, conn := range spent {
		h.remove(ev.Path, conn)
	}
	return fired
}

// triggerAbove appends the connections with a recursive watch above path.
func (h *half) triggerAbove(path string, fired []Conn) []Conn {
	for path != "/" && path != "" {
		path = path[:strings.LastIndexByte(path, '/')+1]
		if len(path) > 1 {
			path = path[:len(path)-1]
		}
		for conn, m := range h.byPath[path].all() {
			if m == recursive {
				fired = append(fired, conn)
			}
		}
	}
	return fired
}

func (h *half) has(path string, conn Conn, want mode) bool {
	m := h.byPath[path].mode(conn)
	return m != anyMode && (want == anyMode || want == m)
}

// remove takes away a watch that is there.
func (h *half) remove(path string, conn Conn) {
	h.removeFromPath(path, conn)
	paths := h.byConn[conn]
	delete(paths, path)
	if len(paths) == 0 {
		delete(h.byConn, conn)
	}
}

func (h *half) removeConn(conn Conn) {
	for path := range h.byConn[conn] {
		h.removeFromPath(path, conn)
	}
	delete(h.byConn, conn)
	h.shrink()
}

// shrink makes byPath anew when there is little left in it: a map never gives back
// what it once needed.
func (h *half) shrink() {
	if h.peak < 1024 || len(h.byPath) > h.peak/4 {
		return
	}
	smaller := make(map[string]conns, len(h.byPath))
	maps.Copy(smaller, h.byPath)
	h.byPath, h.peak = smaller, len(smaller)
}

func (h *half) removeFromPath(path string, conn Conn) {
	c := h.byPath[path]
	h.watches--
	h.bytes -= len(path)
	h.countRecursive(c.mode(conn), -1)
	if c = c.without(conn); c.len() == 0 {
		delete(h.byPath, path)
		return
	}
	h.byPath[path] = c
}
