package coordinator

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// Assignment is the data of an assignment's znode. A master made by hand may
// leave it empty: the worker then counts the attempts itself.
type Assignment struct {
	Attempt int   `json:"attempt,omitempty"` // from 1; 0: one more than there are
	Term    int32 `json:"term,omitempty"`    // of the master that assigned

	// Lost is how many attempts of the task were lost before. When it is not 0,
	// the worker writes Started into the assignment before it starts the
	// command: without it the command never ran, and losing it is not the
	// task's fault.
	Lost    int   `json:"lost,omitempty"`
	Started int64 `json:"started,omitempty"` // Unix time in ms; 0: not, or not marked
	Alone   bool  `json:"alone,omitempty"`   // started with no other command beside it
}

// SuspectLost is how many lost attempts make a task a suspect: it may be what
// its workers die of, so it runs alone.
const SuspectLost = 2

// Suspect reports whether the task is to run with nothing beside it.
func (a Assignment) Suspect() bool { return a.Lost >= SuspectLost }

// Marked reports whether the assignment tells if its attempt was started.
func (a Assignment) Marked() bool { return a.Lost > 0 }

// Charged reports whether the death of its worker, or of the process that runs
// its commands, makes this attempt a lost one. The first loss always counts, for
// nothing is written when a healthy task starts; the second if the attempt was
// started; later ones if it was alone, so that no task comes to its end because
// of another.
func (a Assignment) Charged() bool {
	return !a.Marked() || a.Started != 0 && (a.Alone || !a.Suspect())
}

// ParseAssignment reads an assignment's data. What it cannot read is zero.
func ParseAssignment(data []byte) Assignment {
	var a Assignment
	if isJSONObject(data) {
		_ = json.Unmarshal(data, &a) // what is of the wrong type stays zero
	}
	a.Attempt, a.Lost = max(a.Attempt, 0), max(a.Lost, 0)
	return a
}

// Encode returns the assignment as [ParseAssignment] reads it.
func (a Assignment) Encode() []byte { return encodeJSON(a) }

// Outcome says how one attempt ended.
type Outcome string

// The outcomes of an attempt. An interrupted one (its worker drained, stopped
// or fenced itself) is not charged to the task; a lost one (its worker died)
// is counted against a task that kills its workers.
const (
	OutcomeDone        Outcome = "done"
	OutcomeFailed      Outcome = "failed"
	OutcomeTimedOut    Outcome = "timed_out"
	OutcomeCancelled   Outcome = "cancelled"
	OutcomeLost        Outcome = "lost"
	OutcomeInterrupted Outcome = "interrupted"
)

// Status is the final state of a task, written once.
type Status string

// The final states. A dead task is one whose workers died too often.
const (
	StatusDone      Status = "done"
	StatusFailed    Status = "failed"
	StatusTimedOut  Status = "timed_out"
	StatusCancelled Status = "cancelled"
	StatusDead      Status = "dead"
)

// maxStatusBytes bounds what is taken for a status, in case someone wrote a
// novel there.
const maxStatusBytes = 256

// ParseStatus reads the data of a status znode: one word, which need not be
// one of ours if it was written by hand.
func ParseStatus(data []byte) Status {
	data = data[:min(len(data), maxStatusBytes)]
	return Status(strings.ToValidUTF8(strings.TrimSpace(string(data)), "\uFFFD"))
}

// Attempt is the data of an attempt's znode: one run of a task by one worker.
type Attempt struct {
	Worker      string    `json:"worker,omitempty"` // the instance
	Addr        string    `json:"addr,omitempty"`   // where it serves the whole output over HTTP
	Started     time.Time `json:"started,omitzero"` // by the worker's clock, for people
	Ended       time.Time `json:"ended,omitzero"`
	Outcome     Outcome   `json:"outcome"`
	Exit        int       `json:"exit"`             // exit status, 128+n for signal n
	Signal      string    `json:"signal,omitempty"` // that ended it
	Error       string    `json:"error,omitempty"`  // why it could not be run
	Stdout      Tail      `json:"stdout,omitempty"` // the end of the output
	Stderr      Tail      `json:"stderr,omitempty"`
	StdoutBytes int64     `json:"stdout_bytes,omitempty"` // length of the whole
	StderrBytes int64     `json:"stderr_bytes,omitempty"`
}

// ParseAttemptData reads the data of an attempt's znode: JSON, or the outcome
// alone as a word. What it cannot read is zero.
func ParseAttemptData(data []byte) Attempt {
	var a Attempt
	if isJSONObject(data) {
		_ = json.Unmarshal(data, &a) // what is of the wrong type stays zero
		return a
	}
	switch word := Outcome(strings.TrimSpace(string(data))); word {
	case OutcomeDone, OutcomeFailed, OutcomeTimedOut, OutcomeCancelled, OutcomeLost, OutcomeInterrupted:
		a.Outcome = word
	}
	return a
}

// Encode returns the attempt as [ParseAttemptData] reads it.
func (a Attempt) Encode() []byte { return encodeJSON(a) }

// Tail is the end of an output. JSON shows it as text when it is valid UTF-8,
// else as {"base64": "…"}.
type Tail []byte

type binaryTail struct {
	Base64 string `json:"base64"`
}

// MarshalJSON gives text if it can.
func (t Tail) MarshalJSON() ([]byte, error) {
	if utf8.Valid(t) {
		return encodeJSON(string(t)), nil
	}
	return encodeJSON(binaryTail{base64.StdEncoding.EncodeToString(t)}), nil
}

// UnmarshalJSON reads both forms.
func (t *Tail) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		*t = Tail(text)
		return nil
	}
	var binary binaryTail
	if err := json.Unmarshal(data, &binary); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(binary.Base64)
	if err != nil {
		return err
	}
	*t = raw
	return nil
}
