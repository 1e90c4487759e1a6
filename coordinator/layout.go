package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"
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

// TaskPath returns the path of a task.
func TaskPath(id TaskID) string { return TasksPath + "/" + string(id) }

// AttemptPath returns the path of a task's n-th attempt.
func AttemptPath(id TaskID, n int) string {
	return TaskPath(id) + "/" + attemptPrefix + strconv.Itoa(n)
}

// StatusPath returns the path of a task's final state.
func StatusPath(id TaskID) string { return TaskPath(id) + "/" + statusName }

// WorkerPath returns the path of a worker's registration.
func WorkerPath(instance string) string { return WorkersPath + "/" + instance }

// AssignmentsPath returns the parent of a worker's assignments.
func AssignmentsPath(instance string) string { return AssignPath + "/" + instance }

// AssignmentPath returns the path of one assignment.
func AssignmentPath(instance string, id TaskID) string {
	return AssignmentsPath(instance) + "/" + string(id)
}

// ParseAttempt reads the number of an attempt from its znode's name,
// "attempt-3". Other names are not ok.
func ParseAttempt(name string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(name, attemptPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || digits != strconv.Itoa(n) {
		return 0, false
	}
	return n, true
}

// NewInstance names a new registration of the worker with that name:
// "<name>-<8 hex digits>".
func NewInstance(name string) string {
	return name + "-" + uuid.NewString()[:8]
}

// EnsureTree creates the persistent roots that are missing, and the chroot.
// Any number of clients may do so at a time.
func (s *Session) EnsureTree(ctx context.Context) error {
	for _, root := range []string{WorkersPath, TasksPath, AssignPath} {
		if err := s.ensure(ctx, root); err != nil {
			return err
		}
	}
	return nil
}

// ensure creates a persistent znode, and its parents, unless it exists.
func (s *Session) ensure(ctx context.Context, path string) error {
	if err := s.ensureAbs(ctx, s.abs(path)); err != nil {
		return fmt.Errorf("ensure %s: %w", path, err)
	}
	return nil
}

func (s *Session) ensureAbs(ctx context.Context, abs string) error {
	exists, err := read(ctx, s, func(conn *zk.Conn) (bool, error) {
		exists, _, err := conn.Exists(abs)
		return exists, err
	})
	if err != nil || exists {
		return err
	}
	if parent := path.Dir(abs); parent != "/" {
		if err := s.ensureAbs(ctx, parent); err != nil {
			return err
		}
	}
	_, err = send(ctx, s, func(conn *zk.Conn) (string, error) {
		return conn.Create(abs, []byte{}, 0, zk.WorldACL(zk.PermAll))
	})
	switch {
	case errors.Is(err, ErrNodeExists):
		return nil
	case errors.Is(err, ErrUnknownOutcome) && ctx.Err() == nil && s.ctx.Err() == nil:
		return s.ensureAbs(ctx, abs) // its reads wait for the next connection
	}
	return err
}
