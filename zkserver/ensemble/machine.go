package ensemble

import "io"

// Machine is the state machine that committed batches are applied to. Apply
// and Capture are called from one goroutine, in the order of the log.
type Machine interface {
	// Apply applies one batch. It is also called, with no commands and the
	// time of the batch before, at the first entry of each term, and where the
	// members change.
	Apply(b Batch)

	// Capture begins a snapshot of the state as it is now. Apply waits for it,
	// so it must be cheap. WriteTo is then called on another goroutine while
	// Apply goes on; no other Capture is made before it has returned. If it
	// cannot be called, for a full disk, and the capture has a method
	// Discard(), that is called instead.
	Capture() io.WriterTo

	// Restore replaces the state by a snapshot. It is called before the first
	// Apply from the goroutine of Open, if there is a snapshot, and between two
	// Applies when a member lags so far behind the others that it is given the
	// state of one. Then it is not known which of the commands proposed here
	// before were applied: no Apply will show them under the node's Origin,
	// which is another one from now on. Restore reads up to io.EOF before it
	// replaces anything: another error, such as damage, may come as late as
	// that, and then the machine is as it was.
	Restore(r io.Reader) error
}
