package wire_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mwqueue/mw/zkserver/wire"
)

func frameOf(content string) string {
	b, start := wire.BeginFrame(nil)
	return string(wire.EndFrame(append(b, content...), start))
}

func TestReadFrame(t *testing.T) {
	const limit = 10
	tests := []struct {
		name string
		in   string
		want string
		err  error
	}{
		{"whole", frameOf("hello"), "hello", nil},
		{"empty", frameOf(""), "", nil},
		{"at the limit", frameOf("0123456789"), "0123456789", nil},
		{"above the limit", frameOf("0123456789a"), "", wire.ErrFrameSize},
		{"negative", "\xff\xff\xff\xff", "", wire.ErrFrameSize},
		{"least negative", "\x80\x00\x00\x00", "", wire.ErrFrameSize},
		{"nothing", "", "", io.EOF},
		{"cut in the length", "\x00\x00", "", io.ErrUnexpectedEOF},
		{"cut behind the length", "\x00\x00\x00\x05", "", io.ErrUnexpectedEOF},
		{"cut in the content", "\x00\x00\x00\x05hell", "", io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				got, err := wire.ReadFrame(r, nil, limit)
				if string(got) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
				}
			}
		})
	}
}

// TestReadFrameLeavesTheNext: one frame is read, not a byte more.
func TestReadFrameLeavesTheNext(t *testing.T) {
	r := strings.NewReader(frameOf("one") + frameOf("") + frameOf("three"))
	var buf []byte
	for _, want := range []string{"one", "", "three"} {
		var err error
		if buf, err = wire.ReadFrame(r, buf, 100); err != nil || string(buf) != want {
			t.Errorf("got %q, %v; want %q", buf, err, want)
		}
	}
	if _, err := wire.ReadFrame(r, buf, 100); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func TestReadFrameUsesTheBufferWhenItFits(t *testing.T) {
	big := strings.Repeat("x", 200<<10)
	for _, content := range []string{"small", big} {
		buf := make([]byte, len(content))
		in := frameOf(content)
		r := strings.NewReader(in)
		if got := testing.AllocsPerRun(10, func() {
			r.Reset(in)
			got, err := wire.ReadFrame(r, buf, wire.MaxFrame)
			if err != nil || string(got) != content || &got[0] != &buf[0] {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		}); got != 0 {
			t.Errorf("%d bytes: %v allocations, want 0", len(content), got)
		}
	}
}

// TestReadFrameGrowsWithWhatArrives: a length of 1 MiB with nothing behind it must
// not cost 1 MiB.
func TestReadFrameGrowsWithWhatArrives(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16-1)
	in := frameOf(string(content))
	largest := 0
	r := readerFunc(func(p []byte) (int, error) {
		largest = max(largest, len(p))
		return 0, io.ErrNoProgress
	})
	if _, err := wire.ReadFrame(io.MultiReader(strings.NewReader(in[:4]), r), nil, wire.MaxFrame); err != io.ErrNoProgress {
		t.Fatal(err)
	}
	if largest > 64<<10 {
		t.Errorf("%d bytes were made room for before any arrived", largest)
	}
	got, err := wire.ReadFrame(iotest.HalfReader(strings.NewReader(in)), nil, wire.MaxFrame)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(content))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
