package ensemble

import "io"

// Machine is the state machine that committed batches are applied to. Apply
// and Capture are called from one goroutine, in the order of the log.
type Machine interface {
	// Apply applies one batch. It is also called, with no commands and the
	// time of the batch before, at the first entry of each term.
	Apply(b Batch)

	// Capture begins a snapshot of the state as it is now. Apply waits for it,
	// so it must be cheap. WriteTo is then called on another goroutine while
	// Apply goes on; no other Capture is made before it has returned. If it
	// cannot be called, for a full disk, and the capture has a method
	// Discard(), that is called instead.
	Capture() io.WriterTo

	// Restore replaces the state by a snapshot. It is called before the first
	// Apply, if at all, from the goroutine of Open. It need not read on to the
	// end of file.
	Restore(r io.Reader) error
}
