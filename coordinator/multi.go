package coordinator

import "context"

// Op is one operation of a [Session.Multi].
type Op struct {
	kind    opKind
	path    string
	data    []byte
	mode    Mode
	version int32
}

type opKind uint8

// OpResult is what one operation of a multi did.
type OpResult struct {
	Path string // the created znode's path
	Stat Stat   // of a set
}

// MultiError says which operation refused a multi. Nothing was done.
type MultiError struct {
	Index int
	Op    Op
	Err   error
}

func (e *MultiError) Error() string { panic("todo") }
func (e *MultiError) Unwrap() error { return e.Err }

func CreateOp(path string, data []byte, mode Mode) Op  { panic("todo") }
func SetOp(path string, data []byte, version int32) Op { panic("todo") }
func DeleteOp(path string, version int32) Op           { panic("todo") }
func CheckOp(path string, version int32) Op            { panic("todo") }

// Path returns the path the operation is about.
func (o Op) Path() string { return o.path }

// Size returns how many bytes the operation takes of [MaxMultiBytes].
func (o Op) Size() int { panic("todo") }

func (s *Session) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) { panic("todo") }
