package coordinator

import (
	"context"
	"slices"
	"sync"
	"time"
)

// look finds out which numbers were given, and tells the names there are. It is
// false when only a listing can tell.
func (q *sequence) look(ctx context.Context) (whole bool, err error) {
	stat, exists, err := q.s.Exists(ctx, q.path)
	if err != nil {
		return false, err
	}
	n, ok := q.tally.given(stat)
	if !exists || !ok || n > looksAtMost && n > q.tally.count/16 {
		return false, nil
	}
	if n == 0 {
		q.tally.looked(stat, 0, 0, true)
		q.vain = min(q.vain+1, quietLooks)
		return true, nil
	}
	q.vain, q.blind, q.news = 0, false, time.Now()
	for n > 0 {
		some := min(n, looksAtMost)
		names, err := q.find(ctx, some)
		if err != nil {
			return false, err
		}
		found := len(names)
		if q.told {
			names, q.told = names[1:], false
		}
		q.tally.looked(stat, some, found, some == n)
		q.tell(names)
		n -= some
	}
	return true, nil
}

// find returns which of the next n names there are. One that was told is the
// first of them.
func (q *sequence) find(ctx context.Context, n int) ([]string, error) {
	names := make([]string, n)
	errs := make([]error, n)
	turns := make(chan struct{}, lookAtOnce)
	var wg sync.WaitGroup
	for i := range n {
		name := q.name(q.tally.next + Seq(i))
		if i == 0 && q.told {
			names[i] = name
			continue
		}
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			_, exists, err := q.s.Exists(ctx, q.path+"/"+name)
			if exists {
				names[i] = name
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" }), nil
}

func (q *sequence) name(n Seq) string { return n.after(q.prefix) }

// tell gives names that came to the receiver.
func (q *sequence) tell(names []string) {
	if len(names) > 0 {
		q.box.put(Entries{Names: names, Exists: true, Stat: Stat{Czxid: q.tally.czxid}})
	}
}

// watchAhead sets the watch for the next number, after a time without news: a
// watch on a znode that is there already would stay until that is deleted.
func (q *sequence) watchAhead(ctx context.Context) error {
	if q.ahead != nil && q.await != q.tally.next { // another name took the number
		q.stray = append(q.stray, q.ahead)
		q.ahead = nil
	}
	if q.ahead != nil || q.vain < quietLooks {
		return nil
	}
	q.blind = true
	if q.strayed() {
		q.stray = slices.DeleteFunc(q.stray, isClosed)
	}
	if q.strayed() || q.told {
		return nil
	}
	d, fired, err := q.s.readExists(ctx, q.path+"/"+q.name(q.tally.next))
	switch {
	case err != nil:
		return err
	case fired == nil:
		return nil
	case d.Exists: // it came just before
		q.stray = append(q.stray, fired)
		q.tellNext()
		return nil
	}
	q.ahead, q.await, q.blind = fired, q.tally.next, false
	return nil
}

// strayed says that no more watches may be set for numbers. One for a number that
// went to another name never fires, and cannot be taken back.
func (q *sequence) strayed() bool { return len(q.stray) >= maxStray }

// arrived is called when the number awaited was given.
func (q *sequence) arrived(ctx context.Context) error {
	q.ahead = nil
	if q.await != q.tally.next {
		return nil
	}
	_, exists, err := q.s.Exists(ctx, q.path+"/"+q.name(q.await))
	if exists {
		q.tellNext()
	}
	return err
}

// tellNext tells the znode with the next number, before the look that will
// account for it.
func (q *sequence) tellNext() {
	if !q.told {
		q.told = true
		q.tell([]string{q.name(q.tally.next)})
	}
}
