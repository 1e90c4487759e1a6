package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// MaxFrame is the largest frame Apache ZooKeeper accepts by default, in bytes
// after the length (jute.maxbuffer).
const MaxFrame = 1<<20 - 1

// ErrFrameSize is wrapped by [ReadFrame] when a length is negative or above the
// limit. The stream cannot be read any further.
var ErrFrameSize = errors.New("wire: frame size out of range")

// frameStep is how much of a frame ReadFrame makes room for before the bytes
// before it have arrived: a length alone must not cost memory.
const frameStep = 64 << 10

// ReadFrame reads one frame and returns its content, without the length. It
// uses buf's storage when the frame fits its capacity, so the result is good
// until the caller passes buf again; keep what it returns as the next buf.
//
// It returns io.EOF when r ends before the frame, io.ErrUnexpectedEOF when r
// ends inside it, and [ErrFrameSize] when the length is negative or above limit.
func ReadFrame(r io.Reader, buf []byte, limit int) ([]byte, error) {
	buf = slices.Grow(buf[:0], 4)[:4]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(buf)))
	if size < 0 || size > limit {
		return nil, fmt.Errorf("%w: %d bytes, limit is %d", ErrFrameSize, size, limit)
	}
	buf = buf[:0]
	for len(buf) < size {
		have := len(buf)
		next := size
		if size > cap(buf) {
			next = min(size, have+max(frameStep, have))
		}
		buf = slices.Grow(buf, next-have)[:next]
		if _, err := io.ReadFull(r, buf[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}

// BeginFrame reserves the length of a frame at the end of b. The caller appends
// the content and calls [EndFrame] with start.
func BeginFrame(b []byte) (_ []byte, start int) {
	return append(b, 0, 0, 0, 0), len(b)
}

// EndFrame writes the length of the frame that began at start and ends with b.
func EndFrame(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}
