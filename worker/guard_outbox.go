package worker

import (
	"io"
	"sync"
)

// outbox writes events to the worker. A send never waits: the worker bounds
// what can be in the box by what it has asked for.
type outbox struct {
	out io.Writer

	mu    sync.Mutex // protects the fields below
	some  sync.Cond
	bytes []byte
}

func (o *outbox) init(out io.Writer) {
	o.out = out
	o.some.L = &o.mu
}

func (o *outbox) send(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes = append(o.bytes, frame...)
	o.some.Signal()
}

// writeLoop writes what was sent, all there is at once, for ever. When the
// worker is gone its events are dropped.
func (o *outbox) writeLoop() {
	var spare []byte
	for {
		o.mu.Lock()
		for len(o.bytes) == 0 {
			o.some.Wait()
		}
		bytes := o.bytes
		o.bytes = spare[:0]
		o.mu.Unlock()

		_, _ = o.out.Write(bytes)
		spare = bytes
		if cap(spare) > 1<<20 {
			spare = nil
		}
	}
}
