package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// The roots of the tree.
const (
	MasterPath  = "/master"
	WorkersPath = "/workers"
	TasksPath   = "/tasks"
	AssignPath  = "/assign"
)

const (
	taskPrefix    = "task-"
	attemptPrefix = "attempt-"
	statusName    = "status"
)

// TaskID names a task: "task-0000000042", the name of its znode.
type TaskID string

// ParseTaskID reads a task's ID, or only its number: "task-0000000042" or "42".
func ParseTaskID(s string) (TaskID, error) {
	if digits, ok := strings.CutPrefix(s, taskPrefix); ok {
		if _, err := strconv.ParseInt(digits, 10, 32); err == nil {
			return TaskID(s), nil
		}
	} else if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return TaskID(fmt.Sprintf("%s%010d", taskPrefix, n)), nil
	}
	return "", fmt.Errorf("coordinator: %q is no task ID: want task-0000000042 or 42", s)
}

// Seq returns the number at the end of the ID, as the service counted it.
func (id TaskID) Seq() (int64, bool) {
	digits, ok := strings.CutPrefix(string(id), taskPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	return n, err == nil
}

// CompareTaskIDs orders tasks by age, the oldest first. IDs without a number
// come last, by name.
func CompareTaskIDs(a, b TaskID) int {
	na, oka := a.Seq()
	nb, okb := b.Seq()
	switch {
	case oka && okb:
		return cmp.Or(cmp.Compare(na, nb), cmp.Compare(a, b))
	case oka:
		return -1
	case okb:
		return 1
	}
	return cmp.Compare(a, b)
}

// TaskPrefix is the path under which a sequential create makes a task.
const TaskPrefix = TasksPath + "/" + taskPrefix

func TaskPath(id TaskID) string { return path.Join(TasksPath, string(id)) }
func AttemptPath(id TaskID, n int) string {
	return TaskPath(id) + "/" + attemptPrefix + strconv.Itoa(n)
}
func StatusPath(id TaskID) string       { return TaskPath(id) + "/" + statusName }
func WorkerPath(instance string) string { return WorkersPath + "/" + instance }
func AssignmentsPath(instance string) string {
	return AssignPath + "/" + instance
}
func AssignmentPath(instance string, id TaskID) string {
	return AssignmentsPath(instance) + "/" + string(id)
}

// ParseAttempt reads the number of an attempt from its znode's name.
func ParseAttempt(name string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(name, attemptPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0 && digits == strconv.Itoa(n)
}

// NewInstance names a new registration of the worker with that name:
// "<name>-<8 hex digits>".
func NewInstance(name string) string {
	return name + "-" + uuid.NewString()[:8]
}

// EnsureTree creates the persistent roots that are missing.
func (s *Session) EnsureTree(ctx context.Context) error { panic("todo") }
