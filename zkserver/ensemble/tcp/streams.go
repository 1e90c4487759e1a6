package tcp

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// A copy of a member's data directory is the same member to raft, and could vote and
// acknowledge a second time. So of two processes of one directory only the first is
// listened to, until it is silent or gone.
const (
	// rivalFor is how long it counts as alive after its last word: a sign of life
	// comes every 4 s at least.
	rivalFor = 5 * time.Second

	// prodFor is how long is waited for its connection to end, when it was given a
	// sign of life: if its machine was started again it refuses that.
	prodFor = 500 * time.Millisecond
)

// An accepting is the connection of a stream, and who made it.
type accepting struct {
	*conn
	stream stream
	run    uint64 // of the process; 0: it does not say
	who    ensemble.Credentials
	done   chan struct{} // closed when nothing that came on it is worked on any more
}

// accepted are the connections of other members, one for each of their streams. Of
// two directories with one number neither takes the place of the other.
type accepted struct {
	mu    sync.Mutex // protects conns
	conns []*accepting
}

// enter makes c the connection of a stream, in place of an earlier one and of those
// of an earlier process of the member, which are closed; it waits until they are done
// with. If that process is alive it gives one of its connections instead.
func (a *accepted) enter(c *accepting) (rival *accepting) {
	a.mu.Lock()
	var old []*accepting
	for _, o := range a.conns {
		same := o.who.Number == c.who.Number && o.who.Directory == c.who.Directory
		other := same && o.run != c.run && o.run != 0 && c.run != 0
		if other && o.stream != streamSnapshot && o.silent() < rivalFor {
			a.mu.Unlock()
			return o
		}
		if other || same && o.stream == c.stream {
			old = append(old, o)
		}
	}
	a.conns = slices.DeleteFunc(a.conns, func(o *accepting) bool { return slices.Contains(old, o) })
	a.conns = append(a.conns, c)
	a.mu.Unlock()
	for _, o := range old {
		o.Close()
	}
	for _, o := range old {
		<-o.done
	}
	return nil
}

func (a *accepted) leave(c *accepting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns = slices.DeleteFunc(a.conns, func(o *accepting) bool { return o == c })
}

func (a *accepted) list() []*accepting {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.conns)
}

// enter takes a connection in, unless another process of the member is alive, and
// says so to who dialed.
func (t *Transport) enter(ctx context.Context, c *accepting) error {
	rival := t.streams.enter(c)
	if rival != nil {
		late, cancel := context.WithTimeout(ctx, prodFor)
		defer cancel()
		for rival != nil && late.Err() == nil {
			select {
			case rival.prod <- struct{}{}:
			default:
			}
			select {
			case <-rival.done:
			case <-late.Done():
			}
			rival = t.streams.enter(c)
		}
	}
	var refused error
	if rival != nil {
		refused = rival.refuses(c)
	}
	if !c.named() {
		return nil
	}
	err := writeAnswer(c, "", nil, refused)
	if refused != nil {
		return refused
	}
	return err
}

// refuses says what is wrong, without what changes from one connection to the next.
func (a *accepting) refuses(c *accepting) error {
	return fmt.Errorf("member %d runs already, %s: what comes now, %s, is another process with a copy of its data directory: stop the one that is not wanted, and give it an empty directory if it is to be another member",
		c.who.Number, a.place(), c.place())
}

func (a *accepting) place() string {
	host := a.RemoteAddr().String()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return fmt.Sprintf("on %s and to be reached at %q", host, a.who.Address)
}
