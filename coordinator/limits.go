package coordinator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits, checked before a request is sent. A server closes the connection on
// a request over its own limit (1 MiB by default), which takes every other
// request in flight with it.
const (
	// MaxDataBytes bounds the data of one znode.
	MaxDataBytes = 512 << 10

	// MaxMultiBytes and MaxMultiOps bound one multi. Bytes are counted as
	// [Op.Size] does. The check that [Term.Multi] adds comes on top.
	MaxMultiBytes = 512 << 10
	MaxMultiOps   = 500
)

const (
	// maxFrameBytes bounds a reply, against a server that lies about lengths.
	// A listing of a million tasks takes 19 MB.
	maxFrameBytes = 64 << 20

	// maxCalls bounds the requests of one session that wait for an answer.
	// Beyond 64 only the latency grows; beyond 256 callers wait for their turn.
	maxCalls = 256

	// maxWatchBytes bounds the paths watched at a time, so that the library
	// renews all watches in one request after a reconnect. A follower beyond
	// it polls.
	maxWatchBytes = 100 << 10

	// opOverhead is what an operation of a multi takes besides path and data:
	// header (9), lengths (8), ACL (31), flags or version (4).
	opOverhead = 9 + 8 + 31 + 4
)

func checkData(data []byte) error {
	if len(data) > MaxDataBytes {
		return fmt.Errorf("%w: %d bytes of data, at most %d", ErrTooLarge, len(data), MaxDataBytes)
	}
	return nil
}

func checkMulti(ops []Op) error {
	if len(ops) > MaxMultiOps {
		return fmt.Errorf("%w: %d operations in a multi, at most %d", ErrTooLarge, len(ops), MaxMultiOps)
	}
	size := 0
	for i, op := range ops {
		size += op.Size()
		if err := checkPath(op.path, op.mode.sequential()); err != nil {
			return &MultiError{Index: i, Op: op, Err: err}
		}
	}
	if size > MaxMultiBytes {
		return fmt.Errorf("%w: multi of %d bytes, at most %d", ErrTooLarge, size, MaxMultiBytes)
	}
	return nil
}

// CheckPath returns an error, which wraps [ErrInvalidPath], when path cannot be
// that of a znode. Calls with a path check it themselves.
func CheckPath(path string) error { return checkPath(path, false) }

// checkPath says whether a server would take path: absolute, no empty, "." or
// ".." names, no control characters, valid UTF-8. A sequential path may end in
// a slash, since digits will follow.
func checkPath(path string, sequential bool) error {
	if path == "/" {
		return nil
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok || !utf8.ValidString(path) || strings.ContainsFunc(path, forbidden) {
		return fmt.Errorf("%w %.100q", ErrInvalidPath, path)
	}
	if sequential {
		rest += "0"
	}
	for name := range strings.SplitSeq(rest, "/") {
		if name == "" || name == "." || name == ".." {
			return fmt.Errorf("%w %.100q", ErrInvalidPath, path)
		}
	}
	return nil
}

// forbidden has the ranges of ZooKeeper's PathUtils.validatePath.
func forbidden(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0 && r <= 0xffff
}
