package ensemble

import "testing"

// What the transport says but once is not dropped, and of a frame there is enough
// left to refuse it.
func TestAFullInboxDropsNoNewsAndKnowsWhatItDropped(t *testing.T) {
	leader, follower, _ := pair()
	b := newInbox()
	b.put(received{from: 2, frame: make([]byte, inboxBytes)})
	b.put(received{from: 2, reached: true})
	b.put(received{from: 2, gone: true})
	b.put(received{from: 2, removed: "so it is"})
	b.put(received{from: 2, frame: []byte{frameAccepted}})
	follower.forwards.begin(leader.term, 7)
	sent := follower.forwards.add(commandsOf(7, 100))
	for range droppedRoom {
		b.put(received{from: 2, frame: sent})
	}
	items := b.take(nil)
	if !items[1].reached || !items[2].gone || items[3].removed == "" {
		t.Errorf("news is lost: %+v", items[1:4])
	}
	if n := len(items[4:]) * (64 + forwardHeader); n > droppedRoom || !items[4].dropped {
		t.Fatalf("%d bytes of headers, at most %d should be", n, droppedRoom)
	}
	leader.turnAway(2, items[4].frame)
	if fr := follower.forwards.frames[0]; !fr.refused {
		t.Errorf("who sent it does not know: %+v", fr)
	}
	if again := follower.forwards.ticks(resendTicks); again != 1 {
		t.Errorf("sent %d times again, want 1", again)
	}
}
