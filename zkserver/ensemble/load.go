package ensemble

import (
	"context"
	"time"
)

// loadsSoon is how long a member may load its data before it lets the others know
// that it is there. It is less than they wait before they found an ensemble: see form.go.
const loadsSoon = time.Second

// An early is a transport that runs before the node does. Run waits for its end, or
// Close does if there is no Run.
type early struct {
	cancel context.CancelFunc
	ended  chan error
}

// load makes the node what its data say. If that takes long the transport is started
// meanwhile, so that those who look for others are told that there is an ensemble. To
// all else this member is one that has none yet.
func (n *Node) load() error {
	if n.cfg.Transport == nil {
		err := n.openEnsemble()
		close(n.begun)
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &early{cancel: cancel, ended: make(chan error, 1)}
	late := time.AfterFunc(loadsSoon, func() { e.ended <- n.cfg.Transport.Run(ctx, n) })
	err := n.openEnsemble()
	if late.Stop() {
		e.ended <- nil
	} else if err == nil {
		n.early = e
	}
	if err != nil {
		e.stop()
		return err
	}
	close(n.begun)
	if n.early != nil {
		n.peers.set(n.roster.get()) // with new credentials
	} else {
		cancel()
	}
	return nil
}

// loads reports whether a frame is a hello that comes while the node has yet to load
// what it belongs to.
func (n *Node) loads(frame []byte) bool {
	return n.founded && !n.formed() && len(frame) == helloBytes && frame[0] == frameHello
}

// carry runs the transport until ctx ends, or goes on with one that runs.
func (n *Node) carry(ctx context.Context) error {
	if n.early == nil {
		return n.cfg.Transport.Run(ctx, n)
	}
	defer context.AfterFunc(ctx, n.early.cancel)()
	return <-n.early.ended
}

// stop ends a transport that is not the node's to run any more.
func (e *early) stop() {
	if e != nil {
		e.cancel()
		<-e.ended
	}
}
