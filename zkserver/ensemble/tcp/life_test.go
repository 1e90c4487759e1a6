package tcp_test

import (
	"errors"
	"io"
	"testing"
	"time"
)

// A machine that has lost its power, or a cable that is pulled, ends no
// connection: whoever has nothing to send would not notice for ever, and who has
// for a quarter of an hour.
func TestAConnectionWithoutSignsOfLifeIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		in, _ := p.comes(t, hello(2, 3, 2, 2, 1))
		go io.Copy(io.Discard, in)
		out := p.goes(t, 2, 3)
		began := time.Now()
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 15*time.Second {
			t.Errorf("the connection it made lasts %v", took)
		}
		time.Sleep(5 * time.Second)
		if _, err := in.Write(record([]byte("x"))); err == nil {
			t.Error("the connection it took goes on")
		}
	})
}

func TestAQuietConnectionLivesOnSignsOfLife(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		in, _ := p.comes(t, hello(2, 3, 2, 2, 1))
		out := p.goes(t, 2, 3)
		for range 30 {
			in.Write(record(nil))
			out.Write([]byte{0xff})
			expect(t, out, record(nil))
			expect(t, in, []byte{0xff})
		}
		in.Write(record([]byte("here")))
		p.got.wait(t, "the frame", func() bool { return len(p.got.frames) == 1 })
		p.SendFrame(2, []byte("there"))
		expect(t, out, record([]byte("there")))
	})
}

// What counts is that it goes on: the time for all that was queued was the same as
// for one byte.
func TestALargeFrameGetsThroughASlowLink(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		out := p.goes(t, 2, 3)
		large := make([]byte, 4<<20)
		p.SendFrame(2, large)
		began := time.Now()
		got, want := 0, len(record(large))
		for b := make([]byte, 64<<10); got < want; {
			n, err := out.Read(b)
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
			got += n
			time.Sleep(time.Duration(n) * time.Second / (100 << 10)) // 100 KiB in a second
			out.SetWriteDeadline(time.Now().Add(time.Second))
			out.Write([]byte{0xff})
		}
		if took := time.Since(began); took < 30*time.Second {
			t.Errorf("took %v, which proves nothing", took)
		}
	})
}

// A member that is stopped takes nothing any more: it is given up, and so is the
// transport at once when it ends.
func TestAMemberThatTakesNothingIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, p *half) {
		out := p.goes(t, 2, 3)
		p.SendFrame(2, make([]byte, 1<<20))
		time.Sleep(20 * time.Second)
		if _, err := out.Write([]byte{0xff}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the connection is open: %v", err)
		}
		again := p.goes(t, 2, 3)
		defer again.Close()
		p.SendFrame(2, make([]byte, 1<<20)) // the test ends while it is written
	})
}
