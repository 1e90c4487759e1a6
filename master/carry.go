package master

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// batchCost is about how many operations go into one multi: enough that the
// cost of a multi does not count, few enough that a refusal, after which it is
// taken apart, does not either.
const batchCost = 96

// outcome is what became of a move.
type outcome struct {
	move   move
	result result
}

// carrier carries moves out, as writes of one term.
type carrier struct {
	term *coordinator.Term
	s    *coordinator.Session // of the term
	log  zerolog.Logger
}

// carry writes the moves as one multi. A move that is refused is taken out,
// with those that would be refused for the same reason, and the rest is tried
// again; so it is, after a pause, while the service takes no writes. The outcomes
// are those of the moves about which something is known: all of them, unless
// there is an error, which is that the term has ended or that an answer was lost.
func (c carrier) carry(ctx context.Context, moves []move) (out []outcome, err error) {
	var pause coordinator.Backoff
	var swept []string
	for len(moves) > 0 {
		b := c.batch(moves, time.Now().UTC())
		err := c.write(ctx, b)
		refusal, refused := errors.AsType[*coordinator.MultiError](err)
		switch {
		case err == nil:
			return appendOutcomes(out, moves, done, nil), nil
		case refused && refusal.Index < len(b.parts):
			culprit, r := b.blame(refusal)
			if path := refusal.Op.Path(); littered(moves[culprit], refusal) && !slices.Contains(swept, path) {
				swept = append(swept, path)
				if c.sweep(ctx, path) {
					continue
				}
			}
			c.log.Debug().Stringer("op", refusal.Op).Err(refusal.Err).Msg("move refused")
			refusedMoves := moves[culprit : culprit+1]
			if r.blamesWorker() {
				refusedMoves = movesTo(moves, moves[culprit].to)
			}
			out = appendOutcomes(out, refusedMoves, r, refusal)
			moves = slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return holds(refusedMoves, m) })
		case errors.Is(err, coordinator.ErrNoServer):
			if err := pause.Wait(ctx); err != nil {
				return out, err
			}
		case errors.Is(err, coordinator.ErrTooLarge) && len(moves) > 1:
			first, err := c.carry(ctx, moves[:len(moves)/2])
			out = append(out, first...)
			if err != nil {
				return out, err
			}
			moves = moves[len(moves)/2:]
		case errors.Is(err, coordinator.ErrTooLarge) && len(moves[0].to) > len(moves[0].from):
			return appendOutcomes(out, moves, unfit, err), nil // nothing else in it is large
		case isDefinite(err):
			c.log.Warn().Err(err).Int("count", len(moves)).Msg("moves refused")
			return appendOutcomes(out, moves, barred, err), nil
		default:
			return out, err
		}
	}
	return out, nil
}

// write writes a batch. It waits while the service takes no writes.
func (c carrier) write(ctx context.Context, b *batch) error {
	return c.s.Insist(ctx, func() error {
		_, err := c.term.Multi(ctx, b.ops...)
		return err
	})
}

func appendOutcomes(out []outcome, moves []move, r result, why error) []outcome {
	for _, m := range moves {
		if why != nil {
			m.why = why.Error()
		}
		out = append(out, outcome{m, r})
	}
	return out
}

// movesTo returns the moves to that worker.
func movesTo(moves []move, worker string) []move {
	return slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.to != worker })
}

// holds tells whether m is one of the moves: no two of a batch are of the same
// kind and about the same task and worker.
func holds(moves []move, m move) bool {
	return slices.ContainsFunc(moves, func(o move) bool {
		return o.kind == m.kind && o.task == m.task && o.from == m.from
	})
}

// isDefinite reports that the service refused the multi as a whole: nothing
// was done, and doing it again would not help.
func isDefinite(err error) bool {
	return errors.Is(err, coordinator.ErrRefused) || errors.Is(err, coordinator.ErrNoAuth) ||
		errors.Is(err, coordinator.ErrTooLarge) || errors.Is(err, coordinator.ErrInvalidPath)
}

// batch is the operations of some moves, and for each operation whose it is.
type batch struct {
	ops   []coordinator.Op
	parts []part
}

// part is what an operation is for.
type part struct {
	move int
	what what
}

type what uint8

const (
	checkWorker what = iota
	createAssignment
	other
)

// blame tells which move an operation's refusal is about, and what the refusal
// means for it.
func (b *batch) blame(refusal *coordinator.MultiError) (int, result) {
	p := b.parts[refusal.Index]
	missing := errors.Is(refusal.Err, coordinator.ErrNoNode)
	exists := errors.Is(refusal.Err, coordinator.ErrNodeExists)
	switch {
	case missing && p.what != other:
		return p.move, noWorker // it is not registered, or has no list under /assign
	case p.what != other && !exists:
		return p.move, unfit // its list is not ours to write, is ephemeral, …
	case missing, exists,
		errors.Is(refusal.Err, coordinator.ErrNotEmpty),
		errors.Is(refusal.Err, coordinator.ErrBadVersion):
		return p.move, stale
	}
	return p.move, barred
}

// batch writes the moves as operations.
func (c carrier) batch(moves []move, now time.Time) *batch {
	b := &batch{}
	checked := make(map[string]bool)
	for i, m := range moves {
		if m.to != "" && !checked[m.to] {
			checked[m.to] = true
			b.add(i, checkWorker, coordinator.CheckOp(coordinator.WorkerPath(m.to), coordinator.AnyVersion))
		}
		c.add(b, i, m, now)
	}
	return b
}

func (b *batch) add(move int, w what, ops ...coordinator.Op) {
	for _, op := range ops {
		b.ops = append(b.ops, op)
		b.parts = append(b.parts, part{move, w})
	}
}

// add adds the operations of one move: see the table in the package's doc.
func (c carrier) add(b *batch, i int, m move, now time.Time) {
	id := m.task.TaskID()
	switch m.kind {
	case assign:
		b.add(i, other, coordinator.CheckOp(coordinator.TaskPath(id), coordinator.AnyVersion))
		b.add(i, createAssignment, c.assignment(m))
	case reassign:
		b.add(i, other, loss(m, now)...)
		b.add(i, createAssignment, c.assignment(m))
	case lose:
		b.add(i, other, loss(m, now)...)
	case bury:
		if m.from != "" {
			b.add(i, other, loss(m, now)...)
		}
		b.add(i, other, statusOp(id, coordinator.StatusDead))
	case drop:
		b.add(i, other, unassignOp(m))
	case dismiss:
		b.add(i, other, removeOp(coordinator.AssignmentsPath(m.from)))
	case cancel:
		if m.from != "" {
			b.add(i, other, unassignOp(m), endedOp(m, coordinator.OutcomeCancelled, now))
		}
		b.add(i, other, statusOp(id, coordinator.StatusCancelled), statusOp(m.order.TaskID(), coordinator.StatusDone))
	case refuse:
		b.add(i, other, endedOp(m, coordinator.OutcomeFailed, now), statusOp(id, coordinator.StatusFailed))
	case forget:
		b.add(i, other, forgetting(m)...)
	}
}

func (c carrier) assignment(m move) coordinator.Op {
	a := coordinator.Assignment{Attempt: m.attempt, Term: c.term.Number(), Lost: m.lost}
	if m.ended != "" {
		a.Attempt++
	}
	return createOp(coordinator.AssignmentPath(m.to, m.task.TaskID()), a.Encode())
}

// loss takes a task from a worker that died.
func loss(m move, now time.Time) []coordinator.Op {
	ops := []coordinator.Op{coordinator.DeleteOp(coordinator.AssignmentPath(m.from, m.task.TaskID()), m.version)}
	if m.ended == "" {
		return ops
	}
	return append(ops, endedOp(m, m.ended, now))
}

func unassignOp(m move) coordinator.Op {
	return removeOp(coordinator.AssignmentPath(m.from, m.task.TaskID()))
}

// ended records an attempt that its worker did not report.
func endedOp(m move, o coordinator.Outcome, now time.Time) coordinator.Op {
	a := coordinator.Attempt{Worker: m.from, Ended: now, Outcome: o, Error: m.why}
	return createOp(coordinator.AttemptPath(m.task.TaskID(), m.attempt), a.Encode())
}

func statusOp(id coordinator.TaskID, s coordinator.Status) coordinator.Op {
	return createOp(coordinator.StatusPath(id), []byte(s))
}

func forgetting(m move) (ops []coordinator.Op) {
	id := m.task.TaskID()
	if m.debris == nil {
		ops = append(ops, removeOp(coordinator.StatusPath(id)))
	}
	for n := range m.attempt {
		ops = append(ops, removeOp(coordinator.AttemptPath(id, n+1)))
	}
	for _, name := range m.debris {
		ops = append(ops, removeOp(fmt.Sprintf("%s/%s", coordinator.TaskPath(id), name)))
	}
	if !m.stays {
		ops = append(ops, removeOp(coordinator.TaskPath(id)))
	}
	return ops
}

func createOp(path string, data []byte) coordinator.Op {
	return coordinator.CreateOp(path, data, coordinator.Persistent)
}

func removeOp(path string) coordinator.Op { return coordinator.DeleteOp(path, coordinator.AnyVersion) }
