package zkserver

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"net"
	"testing"
	"time"
)

// A guestHello is what one who dials a member says of itself, with no ensemble.
type guestHello struct {
	number, to int
	directory  uint64
	address    string
	stream     byte // 1 raft, 2 frames, 3 a snapshot
}

func (h guestHello) bytes() []byte {
	b := append([]byte("mwpeer\r\n"), 2, 2, h.stream)
	b = binary.BigEndian.AppendUint32(b, uint32(h.number))
	b = binary.BigEndian.AppendUint32(b, uint32(h.to))
	b = binary.BigEndian.AppendUint64(b, 0)
	b = binary.BigEndian.AppendUint64(b, h.directory)
	b = append(b, make([]byte, 16)...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.address)))
	b = append(b, h.address...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// visit says hello to a member and gives the connection, and whether it is
// listened to.
func (r *trio) visit(h guestHello) (nc net.Conn, taken bool) {
	r.Helper()
	nc, err := r.net.dial(context.Background(), 0, peerAddr(h.to))
	if err != nil {
		r.Fatal(err)
	}
	if _, err := nc.Write(h.bytes()); err != nil {
		r.Fatal(err)
	}
	answer := make([]byte, 512)
	n, err := nc.Read(answer)
	if n < 9 || err != nil {
		r.Fatalf("answer of %d bytes: %v", n, err)
	}
	return nc, answer[8] == 0
}

// TestAGuestWritesNothing: it is no member, and all members run on whatever it
// forwards.
func TestAGuestWritesNothing(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		time.Sleep(2 * time.Second)
		leader := r.leader()
		term := r.servers[leader].node.Role().Term
		for _, stream := range []byte{1, 3} {
			if _, taken := r.visit(guestHello{number: 9, to: leader, directory: 77, stream: stream}); taken {
				t.Errorf("stream %d of a guest is taken", stream)
			}
		}
		nc, taken := r.visit(guestHello{number: 9, to: leader, directory: 77, stream: 2})
		if !taken {
			t.Fatal("a guest may not say hello")
		}
		f := binary.BigEndian.AppendUint64([]byte{1}, term)
		f = binary.BigEndian.AppendUint64(f, 4711)
		f = binary.BigEndian.AppendUint64(f, 0)
		f = append(f, 1, 1, 2, 99, 0) // one command, that does not decode
		record := binary.BigEndian.AppendUint32(nil, uint32(len(f)))
		record = binary.BigEndian.AppendUint32(record, crc32.Checksum(f, castagnoli))
		if _, err := nc.Write(append(record, f...)); err != nil {
			t.Fatal(err)
		}
		before := r.servers[leader].node.Status().Applied
		time.Sleep(2 * time.Second)
		if after := r.servers[leader].node.Status().Applied; after != before {
			t.Errorf("entry %d was applied, %d before", after, before)
		}
	})
}

// TestTwoGuestsWithOneNumberDoNotKeepAMemberBusy.
func TestTwoGuestsWithOneNumberDoNotKeepAMemberBusy(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		a, _ := r.followers()
		for i, address := range []string{"zk8:2888", "zk9:2888"} {
			if _, taken := r.visit(guestHello{number: 9, to: a, directory: uint64(70 + i), address: address, stream: 2}); !taken {
				t.Error("not taken")
			}
		}
		time.Sleep(time.Second) // time does not go on while anybody is busy
	})
}

// TestAGuestDoesNotTakeAMembersPlace, whatever it says of where that member is.
func TestAGuestDoesNotTakeAMembersPlace(t *testing.T) {
	inTrio(t, nil, func(r *trio) {
		leader := r.leader()
		a, b := r.followers()
		for _, n := range []int{a, b} {
			r.visit(guestHello{number: leader, to: n, directory: 77, address: "zk9:2888", stream: 2})
		}
		term := r.servers[leader].node.Role().Term
		time.Sleep(20 * time.Second)
		if !r.servers[leader].serves() || r.servers[a].node.Role().Term != term {
			t.Error("a live member was cut off")
		}
	})
}
