package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/uuid"
)

// withdrawTime bounds how long those who give up wait for their place to be
// gone. It is given up in any case, in the background if need be.
const withdrawTime = time.Second

// A place is an ephemeral sequential znode of our session in a queue or a
// group. Its name begins with a mark of its own, "_c_<32 hex digits>" and a word
// for what it is, by which it is found should the answer to its creation be lost.
// (Curator calls this protection.)
type place struct {
	path string // of the parent
	mark string // what the name begins with
	name string

	// twins: an answer was lost, so that there may be another with our mark, or
	// come to be: one nobody knows of, which would keep a queue waiting for as
	// long as the session lives.
	twins bool
}

func (p place) self() string { return p.path + "/" + p.name }

// enter takes a place under path, which create makes when it is missing.
func (s *Session) enter(ctx context.Context, path, word string, data []byte, create func(context.Context, string) error) (place, error) {
	p := place{path: path, mark: "_c_" + strings.ReplaceAll(uuid.NewString(), "-", "") + word}
	for {
		made, err := insist(ctx, s, func() (string, error) {
			return s.Create(ctx, path+"/"+p.mark, data, EphemeralSequential)
		})
		switch {
		case err == nil:
			p.name = made[strings.LastIndexByte(made, '/')+1:]
			return p, nil
		case errors.Is(err, ErrNoNode):
			err = create(ctx, path)
		case errors.Is(err, ErrUnknownOutcome):
			p.twins = true
			if ctx.Err() == nil && s.ctx.Err() == nil {
				p.name, err = s.find(ctx, p)
			}
		}
		if p.name != "" {
			return p, nil
		}
		if err != nil {
			s.withdraw(p)
			return p, err
		}
	}
}

// find looks for a place by its mark: "" if there is none.
func (s *Session) find(ctx context.Context, p place) (string, error) {
	names, err := s.marked(ctx, p)
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

// marked lists what has the mark of a place, as of now.
func (s *Session) marked(ctx context.Context, p place) ([]string, error) {
	if err := s.Sync(ctx, p.path); err != nil {
		return nil, err
	}
	names, _, err := s.Children(ctx, p.path)
	if err != nil && !errors.Is(err, ErrNoNode) {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, p.mark) }), nil
}

// withdraw gives up a place. It waits for that to be done, for a second at most:
// then it goes on in the background for as long as the session lives.
func (s *Session) withdraw(p place) {
	if p.name == "" && !p.twins {
		return
	}
	gone := make(chan struct{})
	if !s.spawn(func() { defer close(gone); _ = s.vacate(s.ctx, p) }) {
		return
	}
	limit := time.NewTimer(withdrawTime)
	defer limit.Stop()
	select {
	case <-gone:
	case <-limit.C:
	}
}

// vacate deletes a place, and its twins if it may have any.
func (s *Session) vacate(ctx context.Context, p place) error {
	if p.name != "" {
		if err := s.remove(ctx, p.self()); err != nil {
			return err
		}
	}
	if !p.twins {
		return nil
	}
	names, err := s.marked(ctx, p)
	for _, name := range names {
		err = errors.Join(err, s.remove(ctx, p.path+"/"+name))
	}
	return err
}

// ensureContainer creates a container, and its parents, unless it exists: the
// service deletes it some time after its last child has gone. A service that has
// no containers gets an ordinary znode.
func (s *Session) ensureContainer(ctx context.Context, path string) error {
	for {
		_, err := insist(ctx, s, func() (string, error) {
			return send(ctx, s, func(conn *zk.Conn) (string, error) {
				return conn.CreateContainer(s.abs(path), []byte{}, zk.FlagContainer, zk.WorldACL(zk.PermAll))
			})
		})
		switch {
		case err == nil, errors.Is(err, ErrNodeExists):
			return nil
		case errors.Is(err, ErrNoNode):
			if err := s.ensure(ctx, parentOf(path)); err != nil {
				return err
			}
		case errors.Is(err, ErrRefused):
			return s.ensure(ctx, path)
		case !errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil || s.ctx.Err() != nil:
			return fmt.Errorf("ensure %s: %w", path, err)
		}
	}
}

// parentOf returns the path a znode is under.
func parentOf(path string) string { return path[:max(1, strings.LastIndexByte(path, '/'))] }
