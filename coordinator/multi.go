package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"
)

// Op is one operation of a [Session.Multi].
type Op struct {
	kind    opKind
	path    string
	data    []byte
	mode    Mode
	version int32
}

type opKind uint8

const (
	opCreate opKind = iota
	opSet
	opDelete
	opCheck
)

var opVerbs = [...]string{opCreate: "create", opSet: "set", opDelete: "delete", opCheck: "check"}

// CreateOp creates a znode. The operation keeps data.
func CreateOp(path string, data []byte, mode Mode) Op {
	return Op{kind: opCreate, path: path, data: data, mode: mode}
}

// SetOp replaces the data of a znode if it has that version. The operation
// keeps data.
func SetOp(path string, data []byte, version int32) Op {
	return Op{kind: opSet, path: path, data: data, version: version}
}

// DeleteOp removes a znode if its data has that version.
func DeleteOp(path string, version int32) Op {
	return Op{kind: opDelete, path: path, version: version}
}

// CheckOp refuses the multi unless the data of a znode has that version. With
// [AnyVersion] it asks only that the znode exists.
//
// NB: a znode deleted and created again begins with version 0 again.
func CheckOp(path string, version int32) Op {
	return Op{kind: opCheck, path: path, version: version}
}

// Path returns the path the operation is about.
func (o Op) Path() string { return o.path }

// Size returns how many bytes the operation counts against [MaxMultiBytes].
func (o Op) Size() int { return opOverhead + len(o.path) + len(o.data) }

// String gives verb and path.
func (o Op) String() string { return opVerbs[o.kind] + " " + o.path }

// request gives the operation as the library wants it. Data is copied: the
// library may read it after its caller has given up.
func (o Op) request(s *Session) any {
	abs := s.abs(o.path)
	switch o.kind {
	case opSet:
		return &zk.SetDataRequest{Path: abs, Data: clone(o.data), Version: o.version}
	case opDelete:
		return &zk.DeleteRequest{Path: abs, Version: o.version}
	case opCheck:
		return &zk.CheckVersionRequest{Path: abs, Version: o.version}
	default:
		return &zk.CreateRequest{Path: abs, Data: clone(o.data), Acl: zk.WorldACL(zk.PermAll), Flags: createFlags[o.mode]}
	}
}

// OpResult is what one operation of a multi did.
type OpResult struct {
	Path string // of the znode a create made
	Stat Stat   // of the znode after a set
}

// MultiError says which operation refused a multi. Nothing was done.
type MultiError struct {
	Index int // of the operation
	Op    Op
	Err   error
}

func (e *MultiError) Error() string { return fmt.Sprintf("%v: %v", e.Op, e.Err) }

// Unwrap returns why the operation was refused.
func (e *MultiError) Unwrap() error { return e.Err }

// Multi carries out all operations, in order and as one write, or none. The
// error is a *[MultiError] when an operation refused; the limits are
// [MaxMultiOps] and [MaxMultiBytes].
func (s *Session) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) {
	if err := checkMulti(ops); err != nil {
		return nil, fmt.Errorf("multi: %w", err)
	}
	return s.multi(ctx, ops)
}

// fencedMulti is Multi of ops behind a fence, an operation that is refused when
// the caller is not what it was any more: then fenced is true. The Index of a
// MultiError counts ops.
func (s *Session) fencedMulti(ctx context.Context, fence Op, ops []Op) (results []OpResult, fenced bool, err error) {
	results, err = s.multi(ctx, append([]Op{fence}, ops...))
	if err == nil {
		return results[1:], false, nil
	}
	if refused, ok := errors.AsType[*MultiError](err); ok {
		if refused.Index == 0 {
			return nil, true, err
		}
		refused.Index--
	}
	return nil, false, err
}

// multi is Multi without its limits.
func (s *Session) multi(ctx context.Context, ops []Op) ([]OpResult, error) {
	requests := make([]any, len(ops))
	for i, op := range ops {
		requests[i] = op.request(s)
	}
	answers, err := send(ctx, s, func(conn *zk.Conn) ([]zk.MultiResponse, error) {
		answers, err := conn.Multi(requests...)
		if refusal(answers) >= 0 {
			return answers, nil // err only repeats what one of them says
		}
		if err == nil && len(answers) != len(requests) {
			err = zk.ErrShortBuffer
		}
		return answers, err
	})
	if err != nil {
		return nil, fmt.Errorf("multi of %d: %w", len(ops), err)
	}
	if at := refusal(answers); at >= 0 && at < len(ops) {
		_, err := translate(answers[at].Error)
		return nil, fmt.Errorf("multi: %w", &MultiError{Index: at, Op: ops[at], Err: err})
	}
	results := make([]OpResult, len(ops))
	for i, answer := range answers[:min(len(answers), len(ops))] {
		results[i].Stat = statOf(answer.Stat)
		if answer.String != "" {
			results[i].Path = s.rel(answer.String)
		}
	}
	return results, nil
}

// refusal returns the index of the answer that says why a multi was refused,
// or -1. Those after it, and in some servers those before, tell only that they
// were not carried out.
func refusal(answers []zk.MultiResponse) int {
	first := -1
	for i, answer := range answers {
		if answer.Error == nil {
			continue
		}
		if code, ok := unnamedCode(answer.Error); !ok || code != codeInconsistency {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}
