package ensemble

import (
	"slices"
	"testing"
)

// ticks gives how often frames are sent again in so many ticks.
func (f *forwarder) ticks(n int) (again int) {
	for range n {
		again += len(f.tick())
	}
	return again
}

func TestFrameIsSentAgainUntilItIsAccepted(t *testing.T) {
	var f forwarder
	f.begin(3, 9)
	f.add(commandsOf(9, 1, 1))
	f.add(commandsOf(9, 1))
	if again := f.ticks(7 * resendTicks); again != 6 { // after 1, 3 and 7
		t.Errorf("sent %d times again, want 6", again)
	}
	f.accepted(forward{term: 3, origin: 9, number: 2})
	f.accepted(forward{term: 2, origin: 9, number: 3}) // of another term
	if again := f.ticks(8 * resendTicks); again != 1 {
		t.Errorf("sent %d times again, want 1", again)
	}
	if left := f.settle(3); left != 2 {
		t.Errorf("%d frames left, nothing was applied", left)
	}
	if left := f.settle(1); left != 1 {
		t.Errorf("%d frames left, the first was applied", left)
	}
	if left := f.settle(0); left != 0 {
		t.Errorf("%d frames left, all is applied", left)
	}
}

// What is known not to have been taken does not wait for as long as a link may
// take.
func TestFrameThatWasRefusedOrLostIsSentAgainSoon(t *testing.T) {
	var f forwarder
	f.begin(3, 9)
	f.add(commandsOf(9, 100<<10))
	f.add(commandsOf(9, 100<<10))
	if again := f.ticks(resendTicks); again != 0 {
		t.Errorf("sent %d times again while it may be on its way", again)
	}
	f.refused(forward{term: 3, origin: 9, number: 1})
	f.refused(forward{term: 2, origin: 9, number: 0}) // of another term
	if again := f.ticks(2 * resendTicks); again != 1 {
		t.Errorf("sent %d times again, one was refused", again)
	}
	f.lost()
	if again := f.ticks(1); again != 2 {
		t.Errorf("sent %d times again, both were lost", again)
	}
	if again := f.ticks(resendTicks); again != 0 {
		t.Errorf("sent %d times again, which is once too often", again)
	}
}

// An answer that was lost is waited for no longer than that each time.
func TestTheTimeAFrameWaitsForItsAnswerIsBounded(t *testing.T) {
	var f forwarder
	f.begin(3, 9)
	f.add(commandsOf(9, 1))
	f.ticks(10 * maxPause)
	if again := f.ticks(2 * maxPause); again != 2 {
		t.Errorf("sent %d times again, want 2", again)
	}
}

// A leader may have no room for as long as its disk is full.
func TestFrameThatIsRefusedAgainAndAgainIsSentLessAndLessOften(t *testing.T) {
	var f forwarder
	f.begin(3, 9)
	f.add(commandsOf(9, 100))
	f.add(commandsOf(9, 100))
	refuse := func(want ...int) {
		t.Helper()
		for _, ticks := range want {
			f.refused(forward{term: 3, origin: 9, number: 1})
			for i := 1; i <= ticks; i++ {
				f.frames[0].age = 0
				if again := len(f.tick()); (again > 0) != (i == ticks) {
					t.Fatalf("sent %d times again after %d ticks, want it after %d", again, i, ticks)
				}
			}
		}
	}
	refuse(10, 20, 40, 80, 160, 200, 200, 200)
	f.accepted(forward{term: 3, origin: 9, number: 1}) // there is room
	refuse(10, 20)
	f.lost()
	if again := len(f.tick()); again != 1 {
		t.Errorf("%d frames sent on a new connection", again)
	}
}

// A slowLink carries frames in order, so many bytes in a tick.
type slowLink struct {
	frameWire
	rate    int
	queue   [][]byte
	credit  int
	carried int // bytes put on the link
}

func (w *slowLink) SendFrame(_ int, frame []byte) {
	w.queue = append(w.queue, slices.Clone(frame))
	w.carried += len(frame)
}

func (w *slowLink) tick() {
	for w.credit += w.rate; len(w.queue) > 0 && w.credit >= len(w.queue[0]); w.queue = w.queue[1:] {
		w.credit -= len(w.queue[0])
		w.to().receiveFrame(w.from, w.queue[0])
	}
	if len(w.queue) == 0 {
		w.credit = 0
	}
}

// On a link that is slower than the load frames came again each 100 ms, while
// they were waiting in the queue of the transport: the link was full of copies.
func TestASlowLinkCarriesFramesAndNotCopies(t *testing.T) {
	leader, follower, wires := pair()
	link := &slowLink{frameWire: *wires[1], rate: 200 << 10 / 100} // 200 KiB in a second
	follower.peers.transport = link
	follower.backlog, follower.batchLimit = newBacklog(64<<20), maxBatchBytes
	leader.maxCommand = maxBatchBytes
	accepted := 0
	for tick := range 6000 { // a minute
		for seq := range 5 { // half a MiB in a second
			c := commandsOf(1, 1000)[0]
			follower.backlog.commands = append(follower.backlog.commands, Command{Origin: follower.backlog.origin, Seq: uint64(5*tick + seq), Data: c.Data})
		}
		follower.forward()
		follower.resend()
		link.tick()
		taken := leader.intake.commands
		accepted += size(taken)
		follower.backlog.applied(taken)
		leader.intake.drop(len(taken))
	}
	t.Logf("%d bytes sent, %d accepted", link.carried, accepted)
	if want := 50 * 200 << 10; accepted < want {
		t.Errorf("%d bytes accepted in a minute, want %d", accepted, want)
	}
	if link.carried > accepted*11/10+4*maxBatchBytes {
		t.Errorf("%d bytes sent for %d accepted", link.carried, accepted)
	}
}
