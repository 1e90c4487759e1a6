package worker

import "time"

// guardWatch says when a guard process has been silent too long. The guard
// answers each lease; the last one it answered is the one by which it kills. A
// guard that is alive but past that lease has killed everything and says so; one
// that does not is stopped or stuck, and must die for its commands to die.
//
// guardWatch holds no clock and is not safe for concurrent use; the guardLink
// owns it.
type guardWatch struct {
	session     uint64        // of the newest lease
	due         int64         // boottime at which the guard kills; 0: it has nothing to kill
	slack       time.Duration // for saying so
	late        bool          // due has passed, and slack is running
	sent, heard uint64        // leases, and answers to them
}

// asked notes that a lease is sent.
func (w *guardWatch) asked(session uint64, deadline int64, slack time.Duration) {
	w.session, w.slack = session, slack
	w.sent++
	if w.due == 0 {
		w.due = deadline
	}
}

// answered notes the guard's answer to a lease.
func (w *guardWatch) answered(session uint64, deadline int64) {
	w.heard++
	if session == w.session && w.due != 0 {
		w.due, w.late = deadline, false
	}
}

// fenced notes that everything up to that session is dead.
func (w *guardWatch) fenced(upTo uint64) {
	if upTo >= w.session {
		w.due, w.late = 0, false
	}
}

// look says when to look again, or that the guard is to be killed. Slack begins
// when somebody looks: after a machine has slept, the guard gets a chance.
func (w *guardWatch) look(now int64) (again time.Duration, kill bool) {
	switch {
	case w.due == 0:
		return 0, false // the next lease will arm it
	case now < w.due:
		return time.Duration(w.due - now), false
	case w.late:
		return 0, true
	}
	w.late = true
	return max(w.slack, 1), false
}
