package worker

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFramesCarryWhatWasSent(t *testing.T) {
	start := startRequest{
		Run: 7, Session: 3, Path: "/bin/sh", Argv: []string{"sh", "-c", "\xff\x00"}, Env: []string{"A=1"},
		Dir: "/", Mark: "m", Stdout: "/o", Stderr: "/e", Limit: 1 << 40,
	}
	end := endedEvent{
		Run: 8, Fenced: true, Errno: 2, Own: true, Code: -1, Signal: 9,
		Stdout: streamEnd{Bytes: 5, Tail: []byte("hello")}, Stderr: streamEnd{Fault: "full"},
	}
	var b []byte
	b = appendLease(b, frameLease, 3, -5)
	b = appendFrame(b, frameStart, start.append)
	b = appendRun(b, frameSignal, 7, 15)
	b = appendSession(b, frameFence, 3)
	b = appendFrame(b, frameEnded, end.append)

	r := newFrames(bytes.NewReader(b))
	next := func(want byte) []byte {
		kind, payload, err := r.next()
		if err != nil || kind != want {
			t.Fatalf("next = %q, %v, want %q", kind, err, want)
		}
		return payload
	}
	if session, deadline, err := decodeLease(next(frameLease)); session != 3 || deadline != -5 || err != nil {
		t.Errorf("lease = %d, %d, %v", session, deadline, err)
	}
	var gotStart startRequest
	if err := gotStart.decode(next(frameStart)); err != nil || !cmp.Equal(gotStart, start) {
		t.Errorf("start = %+v, %v", gotStart, err)
	}
	if run, sig, err := decodeRun(next(frameSignal)); run != 7 || sig != 15 || err != nil {
		t.Errorf("signal = %d, %d, %v", run, sig, err)
	}
	if session, err := decodeSession(next(frameFence)); session != 3 || err != nil {
		t.Errorf("fence = %d, %v", session, err)
	}
	var gotEnd endedEvent
	if err := gotEnd.decode(next(frameEnded)); err != nil || !cmp.Equal(gotEnd, end, cmpopts.EquateEmpty()) {
		t.Errorf("ended = %+v, %v", gotEnd, err)
	}
	if _, _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

// Whatever comes over the pipe: no panic, and no more memory than it is long.
func FuzzFrames(f *testing.F) {
	start := startRequest{Argv: []string{"a", ""}, Env: []string{"B=2"}}
	f.Add(appendFrame(nil, frameStart, start.append))
	f.Add(appendFrame(nil, frameEnded, new(endedEvent).append))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 'S'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newFrames(bytes.NewReader(b))
		for {
			kind, payload, err := r.next()
			if err != nil {
				return
			}
			var s startRequest
			if s.decode(payload) == nil && kind == frameStart {
				var again startRequest
				if err := again.decode(s.append(nil)); err != nil || !cmp.Equal(again, s) {
					t.Fatalf("%+v came back as %+v, %v", s, again, err)
				}
			}
			_ = new(endedEvent).decode(payload)
		}
	})
}
