package coordinator

import "sync"

// A mailbox has what a receiver of [Entries] has not taken yet, as one.
type mailbox struct {
	full chan struct{} // signalled when something is put in

	mu   sync.Mutex // protects the field below
	mail *Entries
}

func newMailbox() *mailbox { return &mailbox{full: make(chan struct{}, 1)} }

func (m *mailbox) put(e Entries) {
	m.mu.Lock()
	if m.mail != nil {
		e = m.mail.and(e)
	}
	m.mail = &e
	m.mu.Unlock()
	signal(m.full)
}

func (m *mailbox) take() (e Entries, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mail == nil {
		return e, false
	}
	e, m.mail = *m.mail, nil
	return e, true
}

// and merges what came later into e, which must not be used any more.
func (e Entries) and(later Entries) Entries {
	if later.Whole {
		return later
	}
	e.Names = append(e.Names, later.Names...)
	if !e.Whole {
		e.Exists, e.Stat = later.Exists, later.Stat
	}
	return e
}
