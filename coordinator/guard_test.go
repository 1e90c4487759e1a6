package coordinator

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// guarded returns a guard and the far end of its pipe. The handshake's result
// arrives on the channel.
func guarded(t *testing.T, renews bool) (*guard, net.Conn, <-chan error) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	results := make(chan error, 1)
	return newGuard(near, 2*time.Second, renews, func(_ handshake, err error) { results <- err }), far, results
}

// frame is a request as the library writes it.
func frame(xid, op int32) []byte {
	b := binary.BigEndian.AppendUint32(nil, 8)
	b = binary.BigEndian.AppendUint32(b, uint32(xid))
	return binary.BigEndian.AppendUint32(b, uint32(op))
}

// A peer that is no ZooKeeper was believed to announce 1.1 GB (E9).
func TestHandshakeLengthIsNotBelieved(t *testing.T) {
	for _, greeting := range []string{"HTTP/1.1 400 Bad Request\r\n", "\x00\x00\x00\x05hello", "\xff\xff\xff\xff"} {
		t.Run(greeting[:4], func(t *testing.T) {
			g, far, results := guarded(t, false)
			go func() { _, _ = io.WriteString(far, greeting) }()
			n, err := io.ReadFull(g, make([]byte, 4))
			if n == 4 || !errors.Is(err, errNotZooKeeper) {
				t.Errorf("read %d bytes of the length, err = %v", n, err)
			}
			if err := <-results; !errors.Is(err, errNotZooKeeper) {
				t.Errorf("handshake ended with %v", err)
			}
		})
	}
}

// The library has no deadline for the handshake's body (E8), ten times the
// patience for its length (E7), and none for some of its other reads.
func TestEveryReadHasADeadline(t *testing.T) {
	for _, deadline := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			g, far, results := guarded(t, false)
			go func() { _, _ = far.Write([]byte{0, 0, 0, 37}) }() // and then nothing
			at := time.Time{}
			if deadline > 0 {
				at = time.Now().Add(deadline)
			}
			began := time.Now()
			_ = g.SetReadDeadline(at)
			if _, err := io.ReadFull(g, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			_ = g.SetReadDeadline(at)
			_, err := io.ReadFull(g, make([]byte, 37))
			if took := time.Since(began); err == nil || took != 2*time.Second {
				t.Errorf("read ended after %v with %v, want a timeout after 2s", took, err)
			}
			<-results
		})
	}
}

func TestHandshakeIsOverheard(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	var got handshake
	g := newGuard(near, 2*time.Second, false, func(h handshake, err error) { got = h })
	reply := binary.BigEndian.AppendUint32(nil, 37)
	reply = binary.BigEndian.AppendUint32(reply, 0)
	reply = binary.BigEndian.AppendUint32(reply, 4500)
	reply = binary.BigEndian.AppendUint64(reply, 0x1234)
	reply = append(reply, make([]byte, 21)...)
	go func() {
		_, _ = far.Read(make([]byte, 100))
		for _, b := range reply { // one byte at a time
			_, _ = far.Write([]byte{b})
		}
	}()
	_, _ = g.Write([]byte("connect request"))
	b := make([]byte, len(reply))
	if _, err := io.ReadFull(g, b); err != nil || string(b) != string(reply) {
		t.Fatalf("read %q, %v", b, err)
	}
	if got.session != 0x1234 || got.timeout != 4500*time.Millisecond || got.sent.IsZero() {
		t.Errorf("handshake = %+v", got)
	}
}

// A write that fails would block the library for ever when it renews
// credentials (E10). It is told nothing; its reader will notice.
func TestWriteNeverFails(t *testing.T) {
	g, far, _ := guarded(t, false)
	_ = far.Close()
	for range 3 {
		if n, err := g.Write(frame(1, 4)); n != 12 || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	if _, err := g.Read(make([]byte, 1)); err == nil {
		t.Error("the reader does not notice")
	}
}

// The library builds the renewal of its watches from the newest zxid it has
// seen; an answer to a request that overtook it made watches vanish (E15).
func TestWatchesAreRenewedBeforeOtherRequests(t *testing.T) {
	const ping, renew = -2, -8
	tests := []struct {
		name string
		send []int32 // by xid; requests have positive ones
		want []int32
	}{
		{"requests wait", []int32{1, 2, renew, 3}, []int32{renew, 1, 2, 3}},
		{"pings pass", []int32{1, ping, renew, ping}, []int32{ping, renew, 1, ping}},
		{"several renewals", []int32{1, renew, renew, 2}, []int32{renew, 1, renew, 2}},
	}
	ops := map[int32]int32{ping: opPing, renew: opSetWatches}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, far, _ := guarded(t, true)
				wire := make(chan []byte)
				go func() {
					b, _ := io.ReadAll(far)
					wire <- b
				}()
				_, _ = g.Write([]byte("connect request"))
				buf := make([]byte, 0, 12) // used again and again, as the library does
				for _, xid := range tt.send {
					_, _ = g.Write(append(buf, frame(xid, ops[xid])...))
				}
				_ = g.Close()
				var got []int32
				for b := range slices.Chunk((<-wire)[len("connect request"):], 12) {
					got = append(got, int32(binary.BigEndian.Uint32(b[4:])))
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("on the wire %d, want %d", got, tt.want)
				}
			})
		})
	}
}
