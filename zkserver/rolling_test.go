package zkserver

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wire"
)

// stop ends a member as SIGTERM does.
func (r *trio) stop(n int) {
	r.ends[n]()
	delete(r.servers, n)
	delete(r.ends, n)
}

// A writer sets one znode again and again, by way of any member, and goes to another
// one when its connection ends, as client libraries do.
type writer struct {
	*guest
	path    string
	member  int // its connection is to
	count   int // writes that were answered
	lost    int // connections that ended before a write was answered
	unknown int // writes that were done and not answered
	longest time.Duration
	over    atomic.Bool
	ended   chan struct{}
}

// write sets the znode until over is set. The version says that no write is done
// twice, and none left out.
func (w *writer) write() {
	defer close(w.ended)
	for !w.over.Load() {
		begin := time.Now()
		if w.hungUp() && !w.moveOn() {
			return
		}
		w.xid++
		w.send(w.xid, wire.OpSetData, &wire.SetDataRequest{Path: w.path, Data: []byte("x"), Version: int32(w.count)})
		h, err := w.next(nil)
		switch {
		case err != nil:
			w.lost++
			if !w.moveOn() {
				return
			}
		case h.Err != wire.OK:
			w.Errorf("write %d of %s: %v", w.count, w.path, h.Err)
			return
		default:
			w.count++
		}
		w.longest = max(w.longest, time.Since(begin))
		time.Sleep(time.Millisecond)
	}
}

// hungUp reports whether the connection has ended, as a client knows that reads all
// the time.
func (w *writer) hungUp() bool {
	w.nc.SetReadDeadline(time.Now().Add(time.Microsecond))
	_, err := w.br.Peek(1)
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// moveOn goes to another member and finds out what has become of the last write.
func (w *writer) moveOn() bool {
	begin := time.Now()
	for {
		w.nc.Close()
		w.member = w.member%3 + 1
		if err := w.greet(w.member, w.again()); err == nil {
			break
		} else if errors.Is(err, errRefused) || time.Since(begin) > 5*time.Second {
			w.Errorf("%s: no member takes the session: %v", w.path, err)
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	var got wire.GetDataResponse
	w.xid++
	w.send(w.xid, wire.OpGetData, &wire.PathWatchRequest{Path: w.path})
	if h, err := w.next(&got); err != nil || h.Err != wire.OK || int(got.Stat.Version) < w.count || int(got.Stat.Version) > w.count+1 {
		w.Errorf("%s after the move: %v, %v, version %d after %d writes", w.path, err, h.Err, got.Stat.Version, w.count)
		return false
	}
	w.unknown += int(got.Stat.Version) - w.count
	w.count = int(got.Stat.Version)
	return true
}

// writers has one at each member; the function they come with ends them and says
// how they fared.
func (r *trio) writers() (end func()) {
	var all []*writer
	for n := 1; n <= 3; n++ {
		w := &writer{guest: r.guest(n, 10*time.Second), path: fmt.Sprintf("/w%d", n), member: n, ended: make(chan struct{})}
		w.create(w.path, 0)
		all = append(all, w)
	}
	for _, w := range all {
		go w.write()
	}
	return func() {
		for _, w := range all {
			w.over.Store(true)
			<-w.ended
			r.Logf("%s: %d writes, the longest took %v; %d connections ended before an answer, %d after the write", w.path, w.count, w.longest, w.lost, w.unknown)
			if w.count < 100 || w.longest > 100*time.Millisecond || w.lost > 0 {
				r.Errorf("%s: %d writes, the longest took %v", w.path, w.count, w.longest)
			}
		}
	}
}

// TestNoWriteFailsWhileMembersAreRestartedOneByOne, and their program is replaced by
// a later one on the way: what that writes is written only when all have it.
func TestNoWriteFailsWhileMembersAreRestartedOneByOne(t *testing.T) {
	speaks := map[int]uint8{1: 1, 2: 1, 3: 2} // one is new already
	early := ensemble.Proposal{Data: (&command{kind: doKey, secret: []byte("late")}).append(nil), Version: 2}
	inTrio(t, func(cfg *Config) { cfg.speaks = speaks[cfg.Ensemble.Number] }, func(r *trio) {
		end := r.writers()
		for n := 1; n <= 3; n++ {
			time.Sleep(200 * time.Millisecond)
			if err := r.servers[3].node.Offer(t.Context(), early); n < 3 && !errors.Is(err, ensemble.ErrVersion) {
				r.Errorf("a command of the later version with members of the earlier one: %v", err)
			}
			speaks[n] = 2
			r.stop(n)
			r.start(n)
			r.settle()
		}
		r.await("the later version", func() bool { return r.servers[1].node.Version() == 2 && r.servers[3].node.Version() == 2 })
		if err := r.servers[3].node.Offer(t.Context(), early); err != nil {
			r.Error(err)
		}
		time.Sleep(200 * time.Millisecond)
		end()
		speaks[1] = 1
		r.stop(1)
		r.start(1)
		if err := <-r.errs[1]; !errors.Is(err, ensemble.ErrOutdated) {
			r.Errorf("the earlier program ends with %v", err)
		}
	})
}
