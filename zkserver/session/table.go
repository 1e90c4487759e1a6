package session

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"time"
)

// An ID names a session. It is never 0.
type ID int64

// A Session is what is replicated of a client's life.
type Session struct {
	ID      ID
	Timeout time.Duration

	// Attach counts how often the client came back on another connection. A
	// request or an expiry decided under an earlier count is void.
	Attach uint32
}

// A Table has the sessions that exist.
type Table struct {
	secret   []byte
	sessions map[ID]Session
}

// NewTable gives a table without sessions, whose passwords come from secret.
// It copies secret. An empty one makes passwords that anyone can make.
func NewTable(secret []byte) *Table {
	return &Table{secret: slices.Clone(secret), sessions: make(map[ID]Session)}
}

// Create begins a session. It reports false, and changes nothing, if there is
// one of that id.
func (t *Table) Create(id ID, timeout time.Duration) bool {
	if _, ok := t.sessions[id]; ok {
		return false
	}
	t.sessions[id] = Session{ID: id, Timeout: timeout}
	return true
}

// Get looks a session up.
func (t *Table) Get(id ID) (Session, bool) {
	s, ok := t.sessions[id]
	return s, ok
}

// Attach moves a session to another connection, with a timeout negotiated
// anew. It reports false if there is no such session.
func (t *Table) Attach(id ID, timeout time.Duration) (Session, bool) {
	s, ok := t.sessions[id]
	if !ok {
		return Session{}, false
	}
	s.Attach++
	s.Timeout = timeout
	t.sessions[id] = s
	return s, true
}

// Remove ends a session, and reports whether there was one.
func (t *Table) Remove(id ID) bool {
	_, ok := t.sessions[id]
	delete(t.sessions, id)
	return ok
}

// Len is the number of sessions.
func (t *Table) Len() int { return len(t.sessions) }

// All yields the sessions, by id.
func (t *Table) All() iter.Seq[Session] {
	return slices.Values(slices.SortedFunc(maps.Values(t.sessions), func(a, b Session) int {
		return cmp.Compare(a.ID, b.ID)
	}))
}

// passwordSize is what the protocol has room for.
const passwordSize = 16

// Password gives the password of a session, whether it exists or not.
func (t *Table) Password(id ID) []byte {
	h := hmac.New(sha256.New, t.secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	return h.Sum(nil)[:passwordSize]
}
