package submit

import (
	"context"
	"errors"
	"fmt"

	"github.com/mwqueue/mw/coordinator"
)

// A view is what a submit must know about /tasks before it creates there: the
// version that makes its create refusable, and how many creates there were.
type view struct {
	known   bool
	czxid   int64  // of /tasks: another one is another tree, made anew
	data    []byte // of /tasks; kept as it is when the version is raised
	version int32

	// created is how many znodes were ever created under /tasks: the next task's
	// number. Until one is known the highest bit may be wrong, see [coordinator.Created].
	created coordinator.Seq
}

func newView(data []byte, stat coordinator.Stat, created coordinator.Seq) view {
	return view{known: true, czxid: stat.Czxid, data: data, version: stat.Version, created: created}
}

// sameTree reports whether v and w are of the same /tasks: numbers and
// versions of one that was deleted mean nothing in the next.
func (v view) sameTree(w view) bool { return v.czxid == w.czxid }

// readView reads how /tasks looks, making it when it is missing. A view that
// lags is safe: its version is refused, its count only makes a search longer.
func (c *Client) readView(ctx context.Context, s *coordinator.Session) (view, error) {
	data, stat, err := s.Get(ctx, coordinator.TasksPath)
	if errors.Is(err, coordinator.ErrNoNode) {
		if err := c.makeTasks(ctx, s); err != nil {
			return view{}, err
		}
		data, stat, err = s.Get(ctx, coordinator.TasksPath)
	}
	if err != nil {
		return view{}, fmt.Errorf("submit: read %s: %w", coordinator.TasksPath, err)
	}
	c.mu.Lock()
	near := c.view.created
	c.mu.Unlock()
	return newView(data, stat, coordinator.Created(stat, near)), nil
}

// makeTasks creates /tasks for a submit that comes before the first master:
// the task waits there for it. The rest of the tree, and the chroot above all,
// is for masters and workers to make.
func (c *Client) makeTasks(ctx context.Context, s *coordinator.Session) error {
	_, err := s.Create(ctx, coordinator.TasksPath, nil, coordinator.Persistent)
	switch {
	case err == nil, errors.Is(err, coordinator.ErrNodeExists):
		return nil
	case errors.Is(err, coordinator.ErrNoNode): // it was there when the client connected
		return c.noQueue()
	}
	return fmt.Errorf("submit: make %s: %w", coordinator.TasksPath, err)
}

// currentView returns the newest view the client has, reading it when it has none.
func (c *Client) currentView(ctx context.Context, s *coordinator.Session) (view, error) {
	c.mu.Lock()
	v := c.view
	c.mu.Unlock()
	if v.known {
		return v, nil
	}
	v, err := c.readView(ctx, s)
	if err != nil {
		return view{}, err
	}
	c.learn(v)
	return v, nil
}

// learn makes v the client's view unless it knows of later creates at the same version.
func (c *Client) learn(v view) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.view.known || !v.sameTree(c.view) || v.version != c.view.version || v.created > c.view.created {
		c.view = v
	}
}

// advance notes that a create of ours at v got number n: whatever this client
// creates from now on gets a higher one. A number that had been given out at v
// is one of another tree, which v knows nothing of.
func (c *Client) advance(v view, n coordinator.Seq) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !v.sameTree(c.view):
	case n < v.created.Near(n):
		c.view = view{}
	default:
		c.view.created = max(c.view.created.Near(n), n+1)
	}
}

// forget drops a view whose version was refused, once the service is known to
// show what refused it.
func (c *Client) forget(ctx context.Context, s *coordinator.Session, refused view) error {
	if err := s.Sync(ctx, coordinator.TasksPath); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.view.version == refused.version {
		c.view = view{}
	}
	return nil
}
