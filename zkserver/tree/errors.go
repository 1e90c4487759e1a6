package tree

import "errors"

// These errors are the answer to one operation; the tree is as it was before
// it. They are returned bare, so that a caller may compare with == and
// translate them with a table.
var (
	ErrNoNode                  = errors.New("tree: no such znode")
	ErrNodeExists              = errors.New("tree: znode exists")
	ErrBadVersion              = errors.New("tree: version has moved on")
	ErrNotEmpty                = errors.New("tree: znode has children")
	ErrNoAuth                  = errors.New("tree: not permitted")
	ErrInvalidACL              = errors.New("tree: invalid ACL")
	ErrNoChildrenForEphemerals = errors.New("tree: ephemeral znodes have no children")
	ErrBadArguments            = errors.New("tree: bad arguments")
	ErrQuotaExceeded           = errors.New("tree: above the quota")
	ErrUnimplemented           = errors.New("tree: operation not known")

	// ErrUndecodable is of an operation that makes no sense. In a multi it is
	// the outcome of the whole, without one for each operation, unless one
	// before it fails.
	ErrUndecodable = errors.New("tree: operation does not decode")

	// ErrRuntimeInconsistency answers the operations of a multi that come
	// after the one that failed: they were not looked at.
	ErrRuntimeInconsistency = errors.New("tree: an earlier operation of the multi failed")
)
