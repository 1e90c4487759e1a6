package difftest

import (
	"github.com/mwqueue/mw/zkserver/wire"
)

// Some requests are never sent, because the reference itself is broken by them.

// tame changes a createTTL that would stop the whole reference server: a mode that
// is not of TTL with a TTL out of range throws where only I/O errors are expected.
func tame(r *wire.CreateTTLRequest) {
	ttlMode := r.Flags == wire.FlagPersistentTTL || r.Flags == wire.FlagPersistentSequentialTTL
	if !ttlMode && (r.TTL <= 0 || r.TTL >= 1<<40) {
		r.TTL = 3_600_000
	}
}

// strayTTL reports whether damaged bytes of op might be such a createTTL.
func strayTTL(op wire.Op) bool { return op == wire.OpCreateTTL || op == wire.OpMulti }

// A Difference is one that is meant.
type Difference struct {
	Reason string
	Is     func(reference, ours Line) bool
}

// Differences is the whole list.
var Differences = []Difference{}
