package coordinator

import (
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

	// StatusName is the name of a status below its task.
	StatusName = "status"
)

// MaxAttempts bounds the number of an attempt. A znode with a larger one was
// made by hand, and is none of ours.
const MaxAttempts = 1_000_000

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

// TaskPrefix is the path under which a sequential create makes a task.
const TaskPrefix = TasksPath + "/" + taskPrefix

// TaskPath returns the path of a task.
func TaskPath(id TaskID) string { return TasksPath + "/" + string(id) }

// AttemptPath returns the path of a task's n-th attempt.
func AttemptPath(id TaskID, n int) string {
	return TaskPath(id) + "/" + attemptPrefix + strconv.Itoa(n)
}

// StatusPath returns the path of a task's final state.
func StatusPath(id TaskID) string { return TaskPath(id) + "/" + StatusName }

// WorkerPath returns the path of a worker's registration.
func WorkerPath(instance string) string { return WorkersPath + "/" + instance }

// AssignmentsPath returns the parent of a worker's assignments.
func AssignmentsPath(instance string) string { return AssignPath + "/" + instance }

// AssignmentPath returns the path of one assignment.
func AssignmentPath(instance string, id TaskID) string {
	return AssignmentsPath(instance) + "/" + string(id)
}

// ParseAttempt reads the number of an attempt from its znode's name,
// "attempt-3". Other names are not ok, nor are numbers beyond [MaxAttempts].
func ParseAttempt(name string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(name, attemptPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > MaxAttempts || digits != strconv.Itoa(n) {
		return 0, false
	}
	return n, true
}

// LastAttempt returns the highest number among the attempts in a task's
// children, 0 if there is none.
func LastAttempt(names []string) int {
	last := 0
	for _, name := range names {
		if n, ok := ParseAttempt(name); ok {
			last = max(last, n)
		}
	}
	return last
}

// instanceDigits are what [NewInstance] adds to a name after a dash.
const instanceDigits = 8

// NewInstance names a new registration of the worker with that name:
// "<name>-<8 hex digits>".
func NewInstance(name string) string {
	return name + "-" + uuid.NewString()[:instanceDigits]
}

// InstanceName returns the name of the worker an instance is of. One that was
// made by hand may have any form: then it is its own name.
func InstanceName(instance string) string {
	cut := len(instance) - instanceDigits - 1
	if cut <= 0 || instance[cut] != '-' {
		return instance
	}
	for _, c := range instance[cut+1:] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return instance
		}
	}
	return instance[:cut]
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
	_, err = insist(ctx, s, func() (string, error) {
		return send(ctx, s, func(conn *zk.Conn) (string, error) {
			return conn.Create(abs, []byte{}, 0, zk.WorldACL(zk.PermAll))
		})
	})
	switch {
	case errors.Is(err, ErrNodeExists):
		return nil
	case errors.Is(err, ErrUnknownOutcome) && ctx.Err() == nil && s.ctx.Err() == nil:
		return s.ensureAbs(ctx, abs) // its reads wait for the next connection
	}
	return err
}
