package coordinator

import (
	"context"
	"sync"
	"time"
)

// Entries is what [Session.FollowSequence] tells.
type Entries struct {
	// Whole says that Names has all the children there were as of Stat.Pzxid,
	// and perhaps some that came since: who is not among them is gone. Otherwise
	// Names has only some that came.
	Whole bool

	Names  []string // in no order; the receiver owns them
	Exists bool     // whether the directory exists; if not, there are no children

	// Stat is the directory's; only its Czxid unless Whole. See [Children] about
	// a directory that was made again.
	Stat Stat
}

// Pacing of a sequence.
const (
	smallDirectory = 500 // names; up to that many are listed at each change

	listFactor = 20 // a listing that cost d is repeated no sooner than 20 d later,
	minRelist  = 100 * time.Millisecond
	maxRelist  = time.Second // or after that, when there may be names out of sequence

	lookEvery   = 250 * time.Millisecond // while no watch tells of names out of sequence; or there are too many strays
	blindEvery  = 20 * time.Millisecond  // while no watch tells of the next number
	lookAgain   = time.Millisecond       // after news
	quietLooks  = 4                      // in vain, before the next number is watched for
	quietTime   = time.Second            // without news, before a listing that only sets a watch
	lookAtOnce  = 32                     // znodes looked for at a time
	looksAtMost = 512                    // in one go
	maxStray    = 256                    // watches that wait for something else by now: 6 KiB of maxWatchBytes
)

// FollowSequence gives the children of a directory that may be big, and whose
// children are mostly made as sequential znodes of that prefix: all of them
// first, and then those that come. It serves the purpose of
// [Session.FollowChildren] without listing the directory at each change:
//
//   - a sequential znode is told as soon as it is made. A watch waits for the
//     number the service gives next, and after that the Stat of the directory
//     tells which numbers were given;
//   - other names, deletions and a directory deleted and made again are noticed
//     by the Stat, which is looked at four times a second while no watch would
//     tell, and make a new listing. A new name is told within about a second;
//     deletions alone are, too, of up to 25,000 children, and later of more: at
//     most a twentieth of the time is spent on listings for them;
//   - after each reconnect, and about once a minute, there is a listing.
//
// A directory of at most 500 children is listed at each change. Nothing is
// skipped: what a slow receiver has not taken is merged. The channel is closed
// when ctx or the session ends.
func (s *Session) FollowSequence(ctx context.Context, path, prefix string) <-chan Entries {
	q := &sequence{s: s, path: path, prefix: prefix, box: newMailbox()}
	out := make(chan Entries)
	if err := checkPath(path+"/"+prefix, true); err != nil {
		s.log.Error().Str("path", path).Err(err).Msg("path not followed")
		close(out)
		return out
	}
	if !s.spawn(func() { q.deliver(ctx, out) }) {
		close(out)
	}
	return out
}

// FollowTasks is [Session.FollowSequence] for /tasks.
func (s *Session) FollowTasks(ctx context.Context) <-chan Entries {
	return s.FollowSequence(ctx, TasksPath, taskPrefix)
}

// A sequence follows one directory for one receiver. Its fields are owned by
// run.
type sequence struct {
	s            *Session
	path, prefix string
	box          *mailbox

	tally  tally
	listed time.Time       // when the last listing began
	cost   time.Duration   // of it
	any    <-chan struct{} // fires at any change of the children; nil: will not

	news  time.Time         // when the last look was that was not in vain
	vain  int               // looks in vain since
	ahead <-chan struct{}   // fires when the number awaited is given; nil: no watch
	await Seq               // the number ahead is for
	blind bool              // no watch can be set for the next number, for now
	told  bool              // the znode numbered tally.next is told already
	stray []<-chan struct{} // watches whose number was passed over, or was taken
}

// deliver runs the sequence and sends what it finds. It closes out when ctx or
// the session has ended.
func (q *sequence) deliver(ctx context.Context, out chan<- Entries) {
	defer close(out)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(q.s.ctx, cancel)()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { q.run(ctx) })
	for {
		select {
		case <-q.box.full:
			e, ok := q.box.take()
			if !ok {
				continue
			}
			if !q.offer(ctx, e, out) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// offer sends e, together with all that comes while nobody takes it.
func (q *sequence) offer(ctx context.Context, e Entries, out chan<- Entries) bool {
	for {
		select {
		case out <- e:
			return true
		case <-q.box.full:
			if more, ok := q.box.take(); ok {
				e = e.and(more)
			}
		case <-ctx.Done():
			return false
		}
	}
}

// run lists, and looks on until the next listing is due. Started by deliver,
// it ends with ctx.
func (q *sequence) run(ctx context.Context) {
	var trouble Backoff
	for ctx.Err() == nil {
		refreshed := q.s.refreshed()
		err := q.list(ctx)
		if err == nil {
			err = q.lookOn(ctx, refreshed)
		}
		if err == nil {
			trouble.Reset()
			continue
		}
		if ctx.Err() == nil {
			q.s.log.Warn().Str("path", q.path).Err(err).Msg("path not read")
		}
		_ = trouble.Wait(ctx)
	}
}

// list tells all the children, and sets the watch for any change of them.
func (q *sequence) list(ctx context.Context) error {
	began := time.Now()
	_, link := q.s.link()
	c, fired, err := q.s.readChildren(ctx, q.path, watchReturn)
	if err != nil {
		return err
	}
	q.listed, q.any = began, fired
	q.cost = min(time.Since(began), cheap+time.Duration(len(c.Names))*perName)
	if _, now := q.s.link(); now != link {
		q.cost = 0 // it was the reconnect that took so long
	}
	q.tally.listed(c.Stat, len(c.Names), CreatedAmong(c.Stat, q.prefix, c.Names))
	q.vain, q.blind, q.told = quietLooks, false, false
	q.box.put(Entries{Whole: true, Names: c.Names, Exists: c.Exists, Stat: c.Stat})
	return nil
}

// small says that the directory is listed at each change.
func (q *sequence) small() bool { return q.tally.count <= smallDirectory }

// lookOn follows the directory from a listing on. It returns when the next
// listing is due.
//
//	any child made or deleted -> look, once; a small directory: list
//	the number awaited given  -> tell, look
//	news by the last look     -> look again
//	nothing would tell        -> look now and then
//	listing due, reconnected, -> return
//	resync timer
func (q *sequence) lookOn(ctx context.Context, refreshed <-chan struct{}) error {
	resync := time.NewTimer(jitter(resyncEvery))
	defer resync.Stop()
	for {
		if q.small() {
			return q.awaitChange(ctx, refreshed, resync.C)
		}
		if err := q.watchAhead(ctx); err != nil {
			return err
		}
		whole, err := q.look(ctx)
		if err != nil || !whole {
			return err
		}
		wake, due := q.pause()
		timer := time.NewTimer(wake)
		relist := true
		select {
		case <-timer.C:
			relist = due
		case <-q.any:
			q.any, relist = nil, false
		case <-q.ahead:
			relist = false
			err = q.arrived(ctx)
		case <-refreshed:
		case <-resync.C:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		timer.Stop()
		if relist || err != nil {
			return err
		}
	}
}

// awaitChange blocks until a small directory is to be listed again.
func (q *sequence) awaitChange(ctx context.Context, refreshed <-chan struct{}, resync <-chan time.Time) error {
	var poll <-chan time.Time
	if q.any == nil {
		timer := time.NewTimer(jitter(pollEvery))
		defer timer.Stop()
		poll = timer.C
	}
	select {
	case <-q.any:
		pace := time.NewTimer(time.Until(q.listed.Add(gap(q.cost))))
		defer pace.Stop()
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	case <-refreshed:
	case <-resync:
	case <-poll:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

// pause says for how long nothing is to be done unless a watch fires, and
// whether it will be time for a listing then.
func (q *sequence) pause() (wake time.Duration, due bool) {
	now := time.Now()
	switch {
	case q.vain < quietLooks:
		wake = lookAgain
	case q.ahead == nil && !q.blind:
		wake = 0
	case q.ahead == nil && q.strayed():
		wake = lookEvery // for good, perhaps
	case q.ahead == nil:
		wake = blindEvery
	case q.any == nil:
		wake = lookEvery
	default:
		wake = 2 * resyncEvery
	}
	at := q.listed.Add(max(listFactor*q.cost, minRelist))
	switch {
	case q.tally.odd:
		at = q.listed.Add(min(max(listFactor*q.cost, minRelist), maxRelist))
	case q.tally.dirty:
	case q.any == nil && q.vain >= quietLooks: // to set the watch again
		if quiet := q.news.Add(quietTime); quiet.After(at) {
			at = quiet
		}
	default:
		return wake, false
	}
	left := max(at.Sub(now), 0)
	return min(wake, left), left <= wake
}
