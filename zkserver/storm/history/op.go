package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// A Kind says what a client did.
type Kind string

// The package's doc says what they are.
const (
	Create     Kind = "create"
	Set        Kind = "set"
	Delete     Kind = "delete"
	Read       Kind = "read"
	Peek       Kind = "peek"
	Sequential Kind = "sequential"
	Ephemeral  Kind = "ephemeral"
	List       Kind = "list"
	Armed      Kind = "armed"
	Event      Kind = "event"
	Attached   Kind = "attached"
	Closed     Kind = "closed"
	Expired    Kind = "expired"
)

// A Code is what the service answered.
type Code string

// Unknown says that there was no answer: the operation was done, or will be, or
// never is.
const (
	OK         Code = "ok"
	NoNode     Code = "nonode"
	Exists     Code = "exists"
	BadVersion Code = "badversion"
	Unknown    Code = ""
)

// An Op is one thing that a client did.
type Op struct {
	Client  string `json:"client"`
	Session int64  `json:"session"`        // 0: not known
	Conn    int    `json:"conn,omitempty"` // counts the client's connections; 0: not known
	Kind    Kind   `json:"kind"`
	Path    string `json:"path"`

	// Begin and End are in ns. End is not used while Code is Unknown.
	Begin int64 `json:"begin"`
	End   int64 `json:"end,omitempty"`
	Code  Code  `json:"code,omitempty"`

	// Value is what was written or read. Expect is the version that a write
	// wanted, -1 for any; Version is that of the znode in the answer.
	Value   string `json:"value,omitempty"`
	Expect  int32  `json:"expect"`
	Version int32  `json:"version"`

	// Zxid is the mzxid in the answer, 0 if it was not told.
	Zxid int64 `json:"zxid,omitempty"`

	// Number is that of a sequential name, or the timeout in ns of a session that
	// expired; Names are those of a list.
	Number int64    `json:"number,omitempty"`
	Names  []string `json:"names,omitempty"`
}

// Answered reports whether the outcome is known.
func (o *Op) Answered() bool { return o.Code != Unknown }

// String is the operation as a person wants to read it.
func (o *Op) String() string {
	answer := string(o.Code)
	if !o.Answered() {
		answer = "no answer"
	}
	return fmt.Sprintf("%s %s %s %q expect %d: %s, version %d, zxid %#x, session %#x, %d..%d",
		o.Client, o.Kind, o.Path, o.Value, o.Expect, answer, o.Version, o.Zxid, uint64(o.Session), o.Begin, o.End)
}

// A Recorder gathers the operations of many clients. The zero value is ready. It
// is safe for concurrent use. What one goroutine adds stays in its order.
type Recorder struct {
	mu  sync.Mutex // protects ops
	ops []Op
}

// Add notes an operation.
func (r *Recorder) Add(o Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, o)
}

// Ops are all operations so far.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ops[:len(r.ops):len(r.ops)]
}

// Read adds what another program wrote, one Op of JSON a line. A last line that
// is cut off, because the program was killed, does not count.
func (r *Recorder) Read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("history: %w", err)
		}
		var o Op
		if err := json.Unmarshal(line, &o); err != nil {
			return fmt.Errorf("history: %q: %w", line, err)
		}
		r.Add(o)
	}
}

// Write writes operations as Read reads them.
func Write(w io.Writer, ops []Op) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	for i := range ops {
		if err := e.Encode(&ops[i]); err != nil {
			return fmt.Errorf("history: %w", err)
		}
	}
	return b.Flush()
}
