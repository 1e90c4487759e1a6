package worker

import "time"

// A worker that cannot run what it is given starts nothing for a while: what
// it hands back shall go to others. The longest while is shorter than the
// master's own patience with such a worker, so that the next task finds it
// ready to try.
const (
	firstRest = time.Second
	lastRest  = 8 * time.Second
)

// fitness says when a worker may start attempts. It holds no clock; Run owns
// it.
type fitness struct {
	until time.Time     // starts nothing before
	rest  time.Duration // the last one; 0: all is well
}

// fault: the worker itself kept an attempt from being made. It reports whether
// that is news.
func (f *fitness) fault(now time.Time) (news bool) {
	if now.Before(f.until) {
		return false // of an attempt that was started together with the last one
	}
	news = f.rest == 0
	f.rest = min(max(2*f.rest, firstRest), lastRest)
	f.until = now.Add(f.rest)
	return news
}

// made: a command was run, or is itself to blame. It reports whether that is news.
func (f *fitness) made(now time.Time) (news bool) {
	if f.rest == 0 || now.Before(f.until) {
		return false
	}
	*f = fitness{}
	return true
}

func (f *fitness) resting(now time.Time) bool { return now.Before(f.until) }
