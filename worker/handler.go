package worker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// Handler runs a task in the worker's process. What it returns is kept as the
// attempt's standard output; an error makes the attempt fail. It must return
// soon after ctx ends; context.Cause(ctx) says why it did.
type Handler func(ctx context.Context, t Task) ([]byte, error)

// Task is what a handler is told about the attempt it makes.
type Task struct {
	ID       coordinator.TaskID
	Name     string          // for people
	Payload  json.RawMessage // from the spec
	Attempt  int             // from 1
	Fence    int64           // grows with every assignment of the cluster
	Worker   string          // the instance that runs it
	Deadline time.Time       // zero: none
}
