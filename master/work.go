package master

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// work is what a master does over one session: the board, and what feeds it.
// Standing by and leading alternate; whichever runs owns the board.
type work struct {
	m *Master
	s *coordinator.Session
	b *board

	facts   chan fact     // from the follower; unbuffered
	answers chan answered // from readers; has room for all that are under way
	recent  journal       // moves carried out, for people

	wg sync.WaitGroup // the follower, and what each role has started
}

// answered is a question with its answer.
type answered struct {
	question question
	answer   answer
}

// work campaigns and leads until the session or ctx ends.
func (m *Master) work(ctx context.Context, s *coordinator.Session) error {
	following, cancel := context.WithCancel(s.Context())
	w := &work{
		m: m, s: s,
		b: newBoard(limits{
			retention: m.cfg.Retention, retain: m.cfg.RetainTasks, maxLost: m.cfg.MaxLost,
		}, time.Now()),
		facts:   make(chan fact),
		answers: make(chan answered, maxAsking),
	}
	defer w.wg.Wait()
	defer cancel()
	if err := s.EnsureTree(ctx); err != nil {
		return err
	}
	w.wg.Go(func() {
		f := &follower{s: s, facts: w.facts}
		f.run(following)
	})
	for {
		term, err := w.standBy(ctx)
		if err != nil {
			return err
		}
		if err := w.lead(ctx, term); !errors.Is(err, coordinator.ErrTermEnded) || s.Context().Err() != nil {
			return err
		}
	}
}

// standBy keeps the board warm until the campaign is won.
//
//	fact            -> board
//	answer          -> board
//	alarm           -> glances
//	elected         -> return the term
//	another tree    -> return errRemade
//	ctx, session    -> return why
func (w *work) standBy(ctx context.Context) (*coordinator.Term, error) {
	w.b.rest()
	w.logStandingBy(ctx)
	campaigning, cancel := context.WithCancel(w.s.Context())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	elected := w.campaign(campaigning)
	for {
		w.b.tick(time.Now())
		w.ask(campaigning, w.b.glances())
		w.b.takeNews()
		alarm, stop := w.alarm()
		select {
		case e := <-elected:
			stop()
			return w.won(ctx, e)
		case is := <-w.facts:
			is(w.b)
		case a := <-w.answers:
			w.b.answered(a.question, a.answer)
		case view := <-w.m.views:
			view <- w.view(roleStandby, 0)
		case <-alarm:
		}
		stop()
		if w.b.remade {
			return nil, errRemade
		}
	}
}

// errRemade: what the board knows is of another tree.
var errRemade = fmt.Errorf("%w: the tree was deleted, perhaps made again", errNewSession)

// election is how a campaign ended.
type election struct {
	term *coordinator.Term
	err  error
}

// campaign runs for master. The channel has room for the one result.
func (w *work) campaign(ctx context.Context) <-chan election {
	elected := make(chan election, 1)
	w.wg.Go(func() {
		term, err := w.s.Campaign(ctx, w.m.advertised)
		elected <- election{term, err}
	})
	return elected
}

// won returns the term of an election, unless it came too late to be used.
func (w *work) won(ctx context.Context, e election) (*coordinator.Term, error) {
	if e.err == nil && ctx.Err() != nil {
		w.resign(e.term)
		return nil, context.Cause(ctx)
	}
	return e.term, e.err
}

// resignTime bounds how long a resignation may take. When it does not succeed,
// the end of the session does the same.
const resignTime = time.Second

func (w *work) resign(term *coordinator.Term) error {
	ctx, cancel := context.WithTimeout(w.s.Context(), resignTime)
	defer cancel()
	return term.Resign(ctx)
}

// ask has questions answered, each by a goroutine of its own. When ctx ends,
// the answers are errors.
func (w *work) ask(ctx context.Context, questions []question) {
	r := reader{w.s}
	for _, q := range questions {
		w.wg.Go(func() { w.answers <- answered{q, r.answer(ctx, q)} })
	}
}

// alarm returns a channel that fires when the board wants a tick, nil when it
// wants none.
func (w *work) alarm() (fired <-chan time.Time, stop func() bool) {
	at := w.b.alarm
	if at.IsZero() {
		return nil, func() bool { return false }
	}
	timer := time.NewTimer(time.Until(at))
	return timer.C, timer.Stop
}

// logStandingBy says who leads, if somebody does.
func (w *work) logStandingBy(ctx context.Context) {
	data, stat, err := w.s.Get(ctx, coordinator.MasterPath)
	if err == nil && stat.EphemeralOwner != w.s.ID() {
		w.m.log.Info().Str("peer", string(data[:min(len(data), 100)])).Msg("standing by")
	}
}
