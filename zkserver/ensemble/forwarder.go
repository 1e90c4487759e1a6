package ensemble

const (
	// resendTicks is when a frame is sent again that the leader refused, or
	// that would have been answered by then on a link without load.
	resendTicks = 10

	// leastBytes is how much a link is taken to carry in a tick, 64 KiB in a
	// second. A frame that has only been on its way for as long as it may take
	// then is not sent again, or the link would be full of copies.
	leastBytes = 64 << 10 / 100

	// maxPause is the longest time in ticks until a frame is sent again that the
	// leader refused, and the most that is waited for an answer beyond the time that
	// the link may take. Both are twice as long after each time.
	maxPause = 200

	maxTries = 6 // after as many it takes no longer each time
)

// A frame is one that was forwarded and is not wholly applied here.
type frame struct {
	first    uint64 // number of its first command
	next     uint64 // the number behind its last command
	count    int    // of commands
	bytes    []byte // nil once the leader has accepted it
	age      int    // ticks since it was sent
	tries    int    // how often it was sent again for want of an answer
	refusals int    // in a row
	accepted bool
	refused  bool // it has arrived and was not taken, or is known to be lost
}

// A forwarder knows what the leader was sent in its term. The raft loop owns it.
//
// A connection brings a frame or ends, also for want of room on this side; and the
// leader says so if it did not take it, also for want of room. So a frame is sent
// again when there is a new connection or the leader says that; and only after a
// time in which most links would have brought it without either: the answer may be
// what was lost.
type forwarder struct {
	term   uint64
	origin uint64
	next   uint64 // number
	frames []frame
	count  int // of the commands in frames
}

// begin starts a new term, or a new origin: the frames of earlier ones are void.
func (f *forwarder) begin(term, origin uint64) {
	if f.term != term || f.origin != origin {
		*f = forwarder{term: term, origin: origin}
	}
}

// settle removes the frames that are applied, given how many commands are not,
// and says how many frames are left.
func (f *forwarder) settle(underWay int) int {
	for len(f.frames) > 0 && f.count-f.frames[0].count >= underWay {
		f.count -= f.frames[0].count
		f.frames = f.frames[1:]
	}
	return len(f.frames)
}

// add makes a frame.
func (f *forwarder) add(commands []Command) []byte {
	b := encodeForward(f.term, f.origin, f.next, commands)
	first := f.next
	f.next += uint64(len(commands))
	f.count += len(commands)
	f.frames = append(f.frames, frame{first: first, next: f.next, count: len(commands), bytes: b})
	return b
}

// pause gives how many ticks after it was refused a frame is sent again.
func (fr *frame) pause() int {
	return min(resendTicks<<min(max(fr.refusals-1, 0), maxTries), maxPause)
}

// accepted takes the leader's answer that it has what is below a number. Others may
// be taken soon, then.
func (f *forwarder) accepted(a forward) {
	if a.term != f.term || a.origin != f.origin {
		return
	}
	fresh := false
	for i := range f.frames {
		fr := &f.frames[i]
		if fr.next <= a.number {
			fresh = fresh || !fr.accepted
			fr.accepted, fr.bytes = true, nil
		} else if fresh {
			fr.refusals = 0
		}
	}
}

// refused takes the leader's answer that it did not take a frame.
func (f *forwarder) refused(a forward) {
	if a.term != f.term || a.origin != f.origin {
		return
	}
	for i := range f.frames {
		if f.frames[i].first == a.number {
			f.frames[i].refused, f.frames[i].age = true, 0
			f.frames[i].refusals++
		}
	}
}

// lost has all frames sent again at the next tick that were not accepted.
func (f *forwarder) lost() {
	for i := range f.frames {
		f.frames[i].refused, f.frames[i].age, f.frames[i].refusals = true, resendTicks, 0
	}
}

// tick lets time go on by one tick and gives the frames to be sent again.
func (f *forwarder) tick() (again [][]byte) {
	ahead := 0 // bytes to be carried before a frame is there
	for i := range f.frames {
		fr := &f.frames[i]
		if fr.accepted {
			continue
		}
		ahead += len(fr.bytes)
		fr.age++
		switch {
		case fr.refused:
			if fr.age < fr.pause() {
				continue
			}
		case fr.age >= ahead/leastBytes+min(resendTicks<<fr.tries, maxPause):
			fr.tries = min(fr.tries+1, maxTries)
		default:
			continue
		}
		fr.age, fr.refused = 0, false
		again = append(again, fr.bytes)
	}
	return again
}
