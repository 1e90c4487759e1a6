package ensemble

import (
	"context"
	"io"
	"time"
)

const (
	// paceBytes is how much of a snapshot is written at a stretch.
	paceBytes = 256 << 10

	// maxRest is the longest rest after a stretch, so that a disk that is slow
	// once does not put the snapshot off for long.
	maxRest = 20 * time.Millisecond
)

// A pacedWriter rests after each stretch for as long as that took: encoding and
// syncing a large state would else take a whole core and most of the disk from
// those who write meanwhile, whose log shares both. It fails when its context ends.
type pacedWriter struct {
	ctx    context.Context
	w      io.Writer
	hurry  bool // somebody waits for the snapshot, or for the room that it makes
	bytes  int  // of this stretch
	rested time.Time
}

func (p *pacedWriter) Write(b []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, context.Cause(p.ctx)
	}
	n, err := p.w.Write(b)
	if p.bytes += n; p.bytes >= paceBytes && !p.hurry {
		p.bytes = 0
		p.rest(min(time.Since(p.rested), maxRest))
		p.rested = time.Now()
	}
	return n, err
}

func (p *pacedWriter) rest(d time.Duration) {
	if d <= 0 {
		return
	}
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-p.ctx.Done():
	case <-over.C:
	}
}
