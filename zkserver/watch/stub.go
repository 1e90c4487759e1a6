package watch

import "iter"

type Conn int64
type Kind uint8

const (
	Data Kind = iota
	Child
	Persistent
	PersistentRecursive
)

type EventType int32

const (
	Created         EventType = 1
	Deleted         EventType = 2
	DataChanged     EventType = 3
	ChildrenChanged EventType = 4
)

type Event struct {
	Type EventType
	Path string
}

// Counts sizes a table.
type Counts struct {
	Conns   int // connections that hold a watch
	Paths   int // paths that are watched
	Watches int // data and child watches; a persistent one counts as both
}

type Table struct{}

func NewTable() *Table                                         { panic("todo") }
func (t *Table) Add(kind Kind, path string, conn Conn)         { panic("todo") }
func (t *Table) Trigger(ev Event) iter.Seq[Conn]               { panic("todo") }
func (t *Table) Has(kind Kind, path string, conn Conn) bool    { panic("todo") }
func (t *Table) Remove(kind Kind, path string, conn Conn) bool { panic("todo") }
func (t *Table) RemoveConn(conn Conn)                          { panic("todo") }
func (t *Table) Counts() Counts                                { panic("todo") }
func (t *Table) Count(conn Conn) int                           { panic("todo") }
