package master

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

const (
	multisMax   = 8   // multis under way
	multisEager = 2   // with fewer under way, a multi goes even if it is short
	drainMax    = 512 // facts and answers taken in one round

	// handOverTime bounds how long a master that is stopped waits for the
	// writes it has begun.
	handOverTime = 2 * time.Second
)

// leader is one term of a master.
type leader struct {
	*work
	term    *coordinator.Term
	carrier carrier
	log     zerolog.Logger

	ready   []move       // not yet sent
	flying  int          // multis under way
	carried chan carried // from the goroutines of the multis; has room for all
	byHand  map[seq]context.CancelFunc
}

// carried is how a multi ended.
type carried struct {
	outcomes []outcome
	err      error
}

// lead is the master's loop for one term. It returns an error that wraps
// ErrTermEnded when another term may be had over the same session.
//
//	fact, answer    -> board
//	carried         -> board
//	then            -> board's moves into multis, board's questions to readers
//	alarm           -> something is due
//	ctx             -> finish the multis under way, resign
//	term, session   -> return
func (w *work) lead(ctx context.Context, term *coordinator.Term) error {
	log := w.m.log.With().Int32("term", term.Number()).Logger()
	l := &leader{
		work: w, term: term, log: log,
		carrier: carrier{term: term, s: w.s, log: log},
		carried: make(chan carried, multisMax+1),
		byHand:  make(map[seq]context.CancelFunc),
	}
	began := time.Now()
	if err := l.takeOver(); err != nil {
		return l.leave(err)
	}
	log.Info().Int("unexamined", w.b.unexamined).Int("workers", len(w.b.workers)).Dur("took", time.Since(began)).Msg("elected")

	writing, cancel := context.WithCancel(w.s.Context())
	defer cancel()
	for {
		l.act(writing)
		alarm, stop := w.alarm()
		err := l.await(ctx, alarm)
		stop()
		if err == nil {
			err = l.drain()
		}
		if err == nil && w.b.remade {
			err = errRemade
		}
		if err != nil {
			l.land(err, cancel)
			return l.leave(err)
		}
		w.b.tick(time.Now())
	}
}

// act does what the board wants done now.
func (l *leader) act(writing context.Context) {
	for l.flying < multisMax {
		if cost(l.ready) < batchCost {
			l.ready = append(l.ready, l.b.moves(batchCost-cost(l.ready))...)
		}
		if len(l.ready) == 0 || l.flying >= multisEager && cost(l.ready) < batchCost {
			break
		}
		l.send(writing, l.ready)
		l.ready = nil
	}
	l.send(writing, l.b.forgets(batchCost))
	l.ask(writing, l.b.questions())
	l.followByHand(writing)
	l.report()
}

func cost(moves []move) (sum int) {
	for _, m := range moves {
		sum += m.cost()
	}
	return sum
}

// send starts a multi, which ends with the session or when writing is
// cancelled.
func (l *leader) send(writing context.Context, moves []move) {
	if len(moves) == 0 {
		return
	}
	l.flying++
	l.wg.Go(func() {
		outcomes, err := l.carrier.carry(writing, moves)
		l.carried <- carried{outcomes, err}
	})
}

// await blocks for one thing to happen.
func (l *leader) await(ctx context.Context, alarm <-chan time.Time) error {
	select {
	case is := <-l.facts:
		l.b.tick(time.Now())
		is(l.b)
	case a := <-l.answers:
		l.b.tick(time.Now())
		l.b.answered(a.question, a.answer)
	case c := <-l.carried:
		l.b.tick(time.Now())
		return l.settle(c)
	case view := <-l.m.views:
		view <- l.view(roleLeading, l.term.Number())
	case <-alarm:
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	case <-l.term.Context().Done():
		return context.Cause(l.term.Context())
	}
	return nil
}

// drain takes what else has happened, so that one round deals with all of it.
func (l *leader) drain() error {
	for range drainMax {
		select {
		case is := <-l.facts:
			is(l.b)
		case a := <-l.answers:
			l.b.answered(a.question, a.answer)
		case c := <-l.carried:
			if err := l.settle(c); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *leader) settle(c carried) error {
	l.flying--
	for _, o := range c.outcomes {
		l.b.settled(o.move, o.result)
		if o.result == done {
			l.recent.add(l.b.now, o.move)
		}
	}
	return c.err
}

// land waits for the multis under way, for a while if the master was stopped:
// their outcome matters to nobody else.
func (l *leader) land(reason error, cancel context.CancelFunc) {
	if errors.Is(reason, coordinator.ErrTermEnded) {
		cancel()
	}
	timer := time.AfterFunc(handOverTime, cancel)
	defer timer.Stop()
	for l.flying > 0 {
		l.settle(<-l.carried)
	}
}

// leave resigns, whatever the reason.
//
// One reason is a write whose answer was lost. It may still be carried out, at
// any time, so nothing this term could decide would be safe: the task might be
// assigned by it after it was assigned to another. A new term is safe, for its
// number refuses the write.
func (l *leader) leave(reason error) error {
	switch {
	case l.s.Context().Err() != nil:
		return reason // which whoever owns the session logs
	case errors.Is(reason, coordinator.ErrTermEnded):
		l.log.Warn().Err(reason).Msg("term ended")
		return reason
	}
	l.log.Info().Err(reason).Msg("resigning")
	err := l.resign(l.term)
	switch {
	case err != nil && l.s.Context().Err() == nil:
		return fmt.Errorf("%w: %w: %w", errNewSession, reason, err)
	case errors.Is(reason, coordinator.ErrUnknownOutcome), errors.Is(reason, coordinator.ErrNoNode):
		return fmt.Errorf("%w: %w", coordinator.ErrTermEnded, reason)
	}
	return reason
}

// maxLogged bounds what is logged of a name that others have chosen.
const maxLogged = 200

// report logs the changes of shape. What fails because the session is over is
// none: that is said once, by whoever owns the session.
func (l *leader) report() {
	if l.s.Context().Err() != nil {
		return
	}
	for _, n := range l.b.takeNews() {
		name := n.worker[:min(len(n.worker), maxLogged)]
		e := l.log.Info().Str("worker", name)
		switch n.what {
		case joined:
			e.Msg("worker joined")
		case departed:
			e.Int("count", n.count).Msg("worker left")
		case refusing:
			l.log.Warn().Str("worker", name).Msg("nothing can be assigned to the worker, trying again later")
		case unforgettable:
			l.log.Warn().Str("task", string(n.task.TaskID())).Msg("finished task cannot be deleted, trying again later; more may follow")
		case shelved:
			l.log.Warn().Str("task", string(n.task.TaskID())).Str("err", n.why[:min(len(n.why), maxLogged)]).
				Msg("task cannot be dealt with, trying again every 15 s")
		case relieved:
			e.Int("reassigned", n.tally.moved).Int("queued", n.tally.queued).Int("dead", n.tally.buried).Msg("tasks reassigned")
		}
	}
}
