package watch

import (
	"iter"
	"slices"
)

// maxFew is how many connections are kept in a slice. Nearly all paths are
// watched by one or two; a few, such as that of a lock or a master, by all.
const maxFew = 8

// conns are the connections that watch one path. The zero value is none; with
// and without give what replaces a value.
type conns struct {
	few  []holder
	many map[Conn]mode // in use instead of few once it is not nil
}

type holder struct {
	conn Conn
	mode mode
}

func (c conns) len() int { return len(c.few) + len(c.many) }

// mode is anyMode for a connection that is not there.
func (c conns) mode(conn Conn) mode {
	if c.many != nil {
		return c.many[conn]
	}
	for _, h := range c.few {
		if h.conn == conn {
			return h.mode
		}
	}
	return anyMode
}

func (c conns) with(conn Conn, m mode) conns {
	if c.many == nil {
		for i := range c.few {
			if c.few[i].conn == conn {
				c.few[i].mode = m
				return c
			}
		}
		if len(c.few) < maxFew {
			c.few = append(c.few, holder{conn, m})
			return c
		}
		c.many = make(map[Conn]mode, 2*maxFew)
		for _, h := range c.few {
			c.many[h.conn] = h.mode
		}
		c.few = nil
	}
	c.many[conn] = m
	return c
}

func (c conns) without(conn Conn) conns {
	if c.many != nil {
		delete(c.many, conn)
		return c
	}
	c.few = slices.DeleteFunc(c.few, func(h holder) bool { return h.conn == conn })
	return c
}

func (c conns) all() iter.Seq2[Conn, mode] {
	return func(yield func(Conn, mode) bool) {
		for _, h := range c.few {
			if !yield(h.conn, h.mode) {
				return
			}
		}
		for conn, m := range c.many {
			if !yield(conn, m) {
				return
			}
		}
	}
}
