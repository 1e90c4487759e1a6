package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

const (
	// maxBatch bounds the reports of one multi, of three operations each.
	maxBatch = coordinator.MaxMultiOps / 3

	// maxUnreported is how many reports may wait before nothing more is started.
	maxUnreported = 1000

	// A report that is refused for a reason that may pass is made again after a
	// pause.
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second

	// maxAmends bounds how often a report is changed to suit what the tree has.
	maxAmends = 4
)

// report is what is to be written about one assignment, in one multi that
// begins with its deletion: if it is not there any more, the task was moved
// and nothing is written. An attempt of 0 has no record; without a status, too,
// the task is handed back, unstarted.
type report struct {
	instance string
	task     coordinator.TaskID
	fence    int64
	attempt  int
	record   coordinator.Attempt
	status   coordinator.Status // "": the master says what comes next
	owed     *owed              // of the instance that owes it

	encoded []byte        // record; see encode
	amends  int           // how often it was changed
	pause   time.Duration // the last pause
	after   time.Time     // not to be made before
}

func (r *report) ops() []coordinator.Op {
	ops := []coordinator.Op{coordinator.DeleteOp(coordinator.AssignmentPath(r.instance, r.task), coordinator.AnyVersion)}
	if r.attempt != 0 {
		ops = append(ops, coordinator.CreateOp(coordinator.AttemptPath(r.task, r.attempt), r.encode(), coordinator.Persistent))
	}
	if r.status != "" {
		ops = append(ops, coordinator.CreateOp(coordinator.StatusPath(r.task), []byte(r.status), coordinator.Persistent))
	}
	return ops
}

// encode encodes the record, once.
func (r *report) encode() []byte {
	if r.encoded == nil {
		r.encoded = r.record.Encode()
	}
	return r.encoded
}

// nextBatch takes from pending what can be reported now in one multi, the
// oldest first.
func nextBatch(pending []*report, now time.Time) (batch, rest []*report) {
	const envelope = 1 << 10 // what a report takes besides its record, at most
	size := 0
	for i, r := range pending {
		if now.Before(r.after) {
			rest = append(rest, r)
			continue
		}
		size += envelope + len(r.encode())
		if len(batch) == maxBatch || len(batch) > 0 && size > coordinator.MaxMultiBytes {
			return batch, append(rest, pending[i:]...)
		}
		batch = append(batch, r)
	}
	return batch, rest
}

// service is what reporting needs of a session.
type service interface {
	Multi(ctx context.Context, ops ...coordinator.Op) ([]coordinator.OpResult, error)
	Exists(ctx context.Context, path string) (coordinator.Stat, bool, error)
	Children(ctx context.Context, path string) ([]string, coordinator.Stat, error)
	Sync(ctx context.Context, path string) error
}

// reporter writes reports, many in one multi.
type reporter struct {
	s   service
	log zerolog.Logger
}

// write writes a batch, over as many multis as it takes. It returns the
// reports that are settled: written, or not wanted any more because the task
// is not ours; and the rest, to be tried again, in this session or the next.
func (w reporter) write(ctx context.Context, batch []*report) (settled, rest []*report) {
	todo := slices.Clone(batch)
	for len(todo) > 0 {
		if ctx.Err() != nil {
			return settled, append(rest, todo...)
		}
		done, later := w.writeSome(ctx, todo)
		settled, rest = append(settled, done...), append(rest, later...)
		todo = slices.DeleteFunc(todo, func(r *report) bool { return slices.Contains(done, r) || slices.Contains(later, r) })
	}
	return settled, rest
}

// writeSome makes one multi of the reports. It returns those it has settled
// and those to be tried again later; the others are to be tried at once.
func (w reporter) writeSome(ctx context.Context, todo []*report) (settled, later []*report) {
	var ops []coordinator.Op
	var of []int // the report each operation belongs to
	for i, r := range todo {
		for _, op := range r.ops() {
			ops, of = append(ops, op), append(of, i)
		}
	}
	_, err := w.s.Multi(ctx, ops...)
	refusal, refused := errors.AsType[*coordinator.MultiError](err)
	switch {
	case err == nil:
		return todo, nil
	case refused && refusal.Index < len(of):
		i := of[refusal.Index]
		return w.refused(ctx, todo[i], refusal.Index-slices.Index(of, i), refusal.Err)
	case errors.Is(err, coordinator.ErrUnknownOutcome):
		return w.resolve(ctx, todo)
	case errors.Is(err, coordinator.ErrTooLarge):
		return w.shrink(todo)
	}
	if ctx.Err() == nil {
		log := w.log.Warn()
		if todo[0].pause > 0 { // said before
			log = w.log.Debug()
		}
		log.Err(err).Msg("reports not written, will be tried again")
	}
	return nil, postpone(todo)
}

// refused deals with the one report because of which a multi was refused, at
// its operation op. Neither settled nor later says: amended, try at once.
func (w reporter) refused(ctx context.Context, r *report, op int, err error) (settled, later []*report) {
	one := []*report{r}
	log := w.log.Debug().Str("task", string(r.task)).Int("attempt", r.attempt).Err(err)
	if r.amends++; r.amends > maxAmends {
		r.amends = 0
		w.log.Error().Str("task", string(r.task)).Err(err).Msg("report refused, will be tried again")
		return nil, postpone(one)
	}
	if op == 1 && r.attempt == 0 {
		op = 2 // the status
	}
	switch {
	case op == 0 && errors.Is(err, coordinator.ErrNoNode):
		log.Msg("task was moved, result dropped")
		return one, nil
	case op > 0 && errors.Is(err, coordinator.ErrNoNode):
		log.Msg("task is gone, result dropped")
		r.attempt, r.status = 0, ""
		return nil, nil
	case op == 1 && errors.Is(err, coordinator.ErrNodeExists):
		return w.renumber(ctx, r)
	case op == 2 && errors.Is(err, coordinator.ErrNodeExists):
		log.Msg("task has a status already, attempt added")
		r.status = ""
		return nil, nil
	}
	w.log.Error().Str("task", string(r.task)).Err(err).Msg("report refused, will be tried again")
	return nil, postpone(one)
}

// renumber deals with a report whose attempt is there already. Either the
// task was moved and given to us again, which is another assignment and not
// what this report is about; or somebody wrote that attempt by hand. When that has
// the last number there may be, what this one made of the task is all that is kept.
func (w reporter) renumber(ctx context.Context, r *report) (settled, later []*report) {
	one := []*report{r}
	ours, err := w.stillOurs(ctx, r)
	if err != nil {
		return nil, postpone(one)
	}
	if !ours {
		w.log.Debug().Str("task", string(r.task)).Msg("task was moved, result dropped")
		return one, nil
	}
	names, _, err := w.s.Children(ctx, coordinator.TaskPath(r.task))
	if err != nil && !errors.Is(err, coordinator.ErrNoNode) {
		return nil, postpone(one)
	}
	if r.attempt = 1 + coordinator.LastAttempt(names); r.attempt > coordinator.MaxAttempts {
		w.log.Warn().Str("task", string(r.task)).Msg("task has the last attempt there may be, this one is not recorded")
		r.attempt = 0
	}
	return nil, nil
}

// resolve finds out what a multi did whose answer was lost: an assignment that
// is still there was not deleted by it. NB: it may still be carried out; then
// the next multi is refused, for that reason.
func (w reporter) resolve(ctx context.Context, todo []*report) (settled, later []*report) {
	if err := w.s.Sync(ctx, coordinator.AssignPath); err != nil {
		return nil, postpone(todo)
	}
	for i, r := range todo {
		ours, err := w.stillOurs(ctx, r)
		switch {
		case err != nil:
			return settled, append(later, postpone(todo[i:])...)
		case ours:
			later = append(later, postpone(todo[i:i+1])...)
		default:
			settled = append(settled, r)
		}
	}
	return settled, later
}

func (w reporter) stillOurs(ctx context.Context, r *report) (bool, error) {
	stat, exists, err := w.s.Exists(ctx, coordinator.AssignmentPath(r.instance, r.task))
	return exists && stat.Czxid == r.fence, err
}

// shrink makes room in a multi that is too large: half of the reports wait, or
// a single one goes without its tails.
func (w reporter) shrink(todo []*report) (settled, later []*report) {
	if len(todo) > 1 {
		return nil, todo[len(todo)/2:]
	}
	r := todo[0]
	r.record.Stdout, r.record.Stderr = nil, nil
	r.record.Error = r.record.Error[:min(len(r.record.Error), maxErrorText)]
	r.encoded = nil
	if r.amends++; r.amends > maxAmends {
		return nil, postpone(todo)
	}
	return nil, nil
}

// postpone sets when to try the reports again.
func postpone(reports []*report) []*report {
	for _, r := range reports {
		r.pause = min(max(2*r.pause, firstPause), lastPause)
		r.after = time.Now().Add(r.pause)
	}
	return reports
}
