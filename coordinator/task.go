package coordinator

import (
	"encoding/json"
	"time"
)

// Duration is a time.Duration that JSON shows as seconds.
type Duration time.Duration

// Spec says what to run.
type Spec struct {
	Key     string            `json:"key,omitempty"`
	Shell   string            `json:"shell,omitempty"` // given to sh -c
	Argv    []string          `json:"argv,omitempty"`
	Handler string            `json:"handler,omitempty"`
	Payload json.RawMessage   `json:"payload,omitempty"`
	Name    string            `json:"name,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	Dir     string            `json:"dir,omitempty"`
	Timeout Duration          `json:"timeout,omitzero"`
	Control string            `json:"control,omitempty"`
	Task    TaskID            `json:"task,omitempty"`
}

// ParseSpec reads a task's data: a JSON object, else the whole text is Shell.
func ParseSpec(data []byte) (Spec, error) { panic("todo") }
func (s Spec) Validate() error            { panic("todo") }
func (s Spec) Encode() []byte             { panic("todo") }

// Assignment is what the master tells a worker about a task.
type Assignment struct {
	Attempt int   `json:"attempt,omitempty"`
	Term    int32 `json:"term,omitempty"`
}

// ParseAssignment reads an assignment's data; what it cannot read is zero.
func ParseAssignment(data []byte) Assignment { panic("todo") }
func (a Assignment) Encode() []byte          { panic("todo") }

// Outcome says how one attempt ended.
type Outcome string

const (
	OutcomeDone        Outcome = "done"
	OutcomeFailed      Outcome = "failed"
	OutcomeTimedOut    Outcome = "timed_out"
	OutcomeCancelled   Outcome = "cancelled"
	OutcomeLost        Outcome = "lost"
	OutcomeInterrupted Outcome = "interrupted" // drained, stopped, self-fenced: not charged to the task
)

// Status is the final state of a task.
type Status string

const (
	StatusDone      Status = "done"
	StatusFailed    Status = "failed"
	StatusTimedOut  Status = "timed_out"
	StatusCancelled Status = "cancelled"
	StatusDead      Status = "dead" // its workers died too often
)

// ParseStatus reads a status znode's data.
func ParseStatus(data []byte) Status { panic("todo") }

// Tail is the end of an output. JSON shows it as text when it is valid UTF-8,
// else as {"base64": …}.
type Tail []byte

// Attempt records one run of a task by one worker.
type Attempt struct {
	Worker      string    `json:"worker,omitempty"` // instance
	Addr        string    `json:"addr,omitempty"`   // where the worker serves the whole output
	Started     time.Time `json:"started,omitzero"`
	Ended       time.Time `json:"ended,omitzero"`
	Outcome     Outcome   `json:"outcome"`
	Exit        int       `json:"exit"`
	Signal      string    `json:"signal,omitempty"`
	Error       string    `json:"error,omitempty"`
	Stdout      Tail      `json:"stdout,omitempty"`
	Stderr      Tail      `json:"stderr,omitempty"`
	StdoutBytes int64     `json:"stdout_bytes,omitempty"`
	StderrBytes int64     `json:"stderr_bytes,omitempty"`
}

// ParseAttemptData reads the data of an attempt's znode; what it cannot read
// is zero.
func ParseAttemptData(data []byte) Attempt { panic("todo") }
func (a Attempt) Encode() []byte           { panic("todo") }

// Registration is what a worker says about itself.
type Registration struct {
	Name    string            `json:"name,omitempty"`
	Addr    string            `json:"addr,omitempty"`
	Slots   int               `json:"slots,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Host    string            `json:"host,omitempty"`
	PID     int               `json:"pid,omitempty"`
	Version string            `json:"version,omitempty"`
}

// ParseRegistration reads a worker's data: JSON, or a plain "host:port", which
// is a worker with one slot.
func ParseRegistration(data []byte) Registration { panic("todo") }
func (r Registration) Encode() []byte            { panic("todo") }
