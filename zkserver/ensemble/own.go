package ensemble

import (
	"errors"
	"fmt"
	"slices"
)

// ErrSecond says that a directory would be a second ensemble beside another one. It
// ends a Node.
var ErrSecond = errors.New("ensemble: the others are an ensemble already")

// receiveOwn takes a frame where there is data. Others are new whatever they are
// configured with: one that joins knows of few.
func (f *former) receiveOwn(from int, kind byte, directory uint64) {
	switch kind {
	case frameHello:
		f.greeted(from, directory, f.hash)
	case frameOwn:
		f.second(from, "has data of its own, too: start all but one of them with empty directories")
	}
}

// second says that another member makes this one a second ensemble.
func (f *former) second(from int, why string) {
	if f.own && f.err == nil && !f.joined && slices.ContainsFunc(f.members, func(m Member) bool { return m.Number == from }) {
		f.err = secondError(f.id.number, from, why)
	}
}

func secondError(number, from int, why string) error {
	return fmt.Errorf("%w: member %d, started with data that was restored or of a server that ran alone, found that member %d %s", ErrSecond, number, from, why)
}

// belongsElsewhere is what to do about a member of another ensemble.
const belongsElsewhere = "belongs to another ensemble: start this member with an empty directory, or, if its data are to be kept, all others"

// take gives the former what has arrived.
func (n *Node) take(f *former, r received) {
	if r.alien {
		f.second(r.from, belongsElsewhere)
		return
	}
	f.receive(r.from, r.frame)
}

// alien reports whether one of those configured is of another ensemble. To one with
// data that asks the others first any ensemble is another one.
func (n *Node) alien(c Credentials) bool {
	if c.Cluster == 0 || c.Number == n.cfg.Number || !n.cfg.has(c.Number) {
		return false
	}
	return n.formed() && c.Cluster != n.id.cluster || !n.formed() && n.asks
}

// meetAlien takes the news that one of those configured is of another ensemble. While
// nobody else has a vote here, there may be two that serve the same clients.
func (l *loop) meetAlien(from int) {
	if l.single && l.failed == nil {
		l.failed = secondError(l.peers.number, from, belongsElsewhere)
	}
}
