package session

import (
	"io"
	"iter"
	"time"
)

type ID int64
type Session struct {
	ID      ID
	Timeout time.Duration
	Attach  uint32 // how often it was re-attached; 0 on the first connection
}
type Table struct{}

func NewTable(secret []byte) *Table                                  { panic("todo") }
func (t *Table) Create(id ID, timeout time.Duration) bool            { panic("todo") }
func (t *Table) Get(id ID) (Session, bool)                           { panic("todo") }
func (t *Table) Attach(id ID, timeout time.Duration) (Session, bool) { panic("todo") }
func (t *Table) Remove(id ID) bool                                   { panic("todo") }
func (t *Table) Password(id ID) []byte                               { panic("todo") }
func (t *Table) All() iter.Seq[Session]                              { panic("todo") }
func (t *Table) Len() int                                            { panic("todo") }
func (t *Table) Append(b []byte) []byte                              { panic("todo") }

// ReadTable reads exactly what Append wrote, and nothing after it.
func ReadTable(r io.Reader) (*Table, error) { panic("todo") }

type Tracker struct{}

func NewTracker() *Tracker                                         { panic("todo") }
func (t *Tracker) Add(id ID, timeout time.Duration, now time.Time) { panic("todo") }
func (t *Tracker) Touch(id ID, now time.Time) bool                 { panic("todo") }
func (t *Tracker) Remove(id ID)                                    { panic("todo") }
func (t *Tracker) Expired(now time.Time) iter.Seq[ID]              { panic("todo") }
func (t *Tracker) Next() (time.Time, bool)                         { panic("todo") }
func (t *Tracker) RegrantAll(now time.Time)                        { panic("todo") }
