package coordinator

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckPath(t *testing.T) {
	tests := []struct {
		path       string
		sequential bool
		ok         bool
	}{
		{path: "/", ok: true},
		{path: "/a/b", ok: true},
		{path: "/a.b/..c/d..", ok: true},
		{path: "/é/世界", ok: true},
		{path: "/a/", sequential: true, ok: true},
		{path: "/a/task-", sequential: true, ok: true},
		{path: ""},
		{path: "a"},
		{path: "/a/"},
		{path: "//"},
		{path: "/a//b"},
		{path: "/a/./b"},
		{path: "/a/.."},
		{path: "/a//", sequential: true},
		{path: "/a\x00b"},
		{path: "/a\nb"},
		{path: "/a\u0085b"},
		{path: "/a\ue000b"},
		{path: "/a\ufff5b"},
		{path: "/a\xffb"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			err := checkPath(tt.path, tt.sequential)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrInvalidPath) {
				t.Errorf("checkPath(%q, %v) = %v, want ok = %v", tt.path, tt.sequential, err, tt.ok)
			}
		})
	}
}

// A request over the server's limit closes the connection and takes all other
// requests with it (E13): so it is never sent.
func TestSizesAreCheckedBeforeTheCall(t *testing.T) {
	big := make([]byte, MaxDataBytes+1)
	if err := checkData(big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("checkData of %d bytes = %v, want ErrTooLarge", len(big), err)
	}
	if err := checkData(big[1:]); err != nil {
		t.Errorf("checkData of %d bytes = %v", len(big)-1, err)
	}
	if err := checkMulti([]Op{CreateOp("/a", big[:MaxDataBytes/2], 0), SetOp("/b", big[:MaxDataBytes/2], 0)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("checkMulti of two halves = %v, want ErrTooLarge", err)
	}
	if err := checkMulti(make([]Op, MaxMultiOps+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("checkMulti of %d = %v, want ErrTooLarge", MaxMultiOps+1, err)
	}
	err := checkMulti([]Op{CheckOp("/a", 0), DeleteOp("b", 0)})
	refused, ok := errors.AsType[*MultiError](err)
	if !ok || refused.Index != 1 || !errors.Is(err, ErrInvalidPath) {
		t.Errorf("checkMulti of a bad path = %v, want a MultiError at 1", err)
	}
}

// What Op.Size counts is no less than what the operation takes on the wire.
func TestSizeIsNoLessThanTheWire(t *testing.T) {
	path, data := "/"+strings.Repeat("p", 40), []byte(strings.Repeat("d", 100))
	const header, acl = 4 + 1 + 4, 4 + 4 + 4 + len("world") + 4 + len("anyone")
	for _, op := range []Op{CreateOp(path, data, 0), SetOp(path, data, 0), DeleteOp(path, 0), CheckOp(path, 0)} {
		wire := header + 4 + len(path) + 4 // and version or flags
		if op.data != nil {
			wire += 4 + len(data)
		}
		if op.kind == opCreate {
			wire += acl
		}
		if op.Size() < wire {
			t.Errorf("%v: Size = %d, on the wire %d", op, op.Size(), wire)
		}
	}
}
