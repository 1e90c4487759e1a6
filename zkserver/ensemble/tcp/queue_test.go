package tcp

import (
	"context"
	"errors"
	"net"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// The ensemble sends frames again when there is a new connection. It need not for
// messages of raft's, which looks after them itself.
func TestAConnectionOfWhichAFrameWasDroppedEnds(t *testing.T) {
	q := newQueue()
	q.put(outgoing{message: &pb.Message{}, size: queueBytes})
	q.put(outgoing{message: &pb.Message{}, size: 1})
	if items, short := q.take(nil); len(items) != 1 || short {
		t.Errorf("%d messages, short is %t", len(items), short)
	}
	q.put(outgoing{frame: []byte("first"), size: queueBytes})
	q.put(outgoing{frame: []byte("second"), size: 1})
	near, far := net.Pipe()
	defer far.Close()
	ended := make(chan error, 1)
	go func() {
		defer near.Close()
		ended <- pump(context.Background(), &conn{Conn: near, version: newest}, q)
	}()
	b, err := readRecord(far, func(int64) bool { return true })
	if err != nil || string(b) != "first" {
		t.Errorf("what had room is %q, %v", b, err)
	}
	if err := <-ended; !errors.Is(err, errShort) {
		t.Errorf("it ended: %v", err)
	}
	if _, short := q.take(nil); short {
		t.Error("the next one will end, too")
	}
}
