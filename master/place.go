package master

import (
	"math"
	"time"
)

// room is what one worker can be given now.
type room struct {
	worker string // the instance
	free   int    // slots that run nothing
	ahead  int    // tasks it may hold beyond its slots, waiting for one
	load   int    // tasks it has
	host   bool   // it has a suspect, which is to be alone
}

// take uses one place of the room: a free slot if there is one.
func (r *room) take() {
	r.load++
	if r.free > 0 {
		r.free--
	} else {
		r.ahead--
	}
}

// place chooses a worker for one task and returns its index in rooms, or -1
// when nobody has room. The one with the most free slots wins; when no slot is
// free, the one with the most room ahead; between equals the first, so that
// rooms sorted by name give ties to the first name. Workers of which shun is
// true (the task died there) are taken only when no other has room.
func place(rooms []room, shun func(worker string) bool) int {
	best, shunned := -1, -1
	for i := range rooms {
		if rooms[i].free <= 0 && rooms[i].ahead <= 0 {
			continue
		}
		slot := &best
		if shun != nil && shun(rooms[i].worker) {
			slot = &shunned
		}
		if *slot < 0 || roomier(rooms[i], rooms[*slot]) {
			*slot = i
		}
	}
	if best < 0 {
		return shunned
	}
	return best
}

func roomier(a, b room) bool {
	if a.free > 0 || b.free > 0 {
		return a.free > b.free
	}
	return a.ahead > b.ahead
}

// These bound how far ahead of its slots a worker is given tasks, so that a
// task of no length does not cost a round trip of an idle slot.
const (
	aheadTime = 100 * time.Millisecond // what the worker should get done in so long
	aheadMax  = 1000
	rateTime  = 250 * time.Millisecond // after so long a completion counts for 1/e
)

// rate estimates completions per second by an average that forgets.
type rate struct {
	value float64 // per second, at the time at
	at    time.Time
}

// add counts a completion.
func (r *rate) add(now time.Time) {
	r.value = r.now(now) + 1/rateTime.Seconds()
	r.at = now
}

// now returns the rate, which falls to zero while nothing is completed.
func (r *rate) now(now time.Time) float64 {
	age := now.Sub(r.at).Seconds()
	return r.value * math.Exp(-max(0, age)/rateTime.Seconds())
}

// ahead returns how many tasks should be done within aheadTime.
func (r *rate) ahead(now time.Time) int {
	return int(min(r.now(now)*aheadTime.Seconds(), aheadMax))
}
