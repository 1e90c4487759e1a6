package worker

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// tailBytes bounds the tails of both streams of an attempt together.
const tailBytes = 16 << 10

// stream carries one output of a command to its file. The file is made when
// the first byte comes: most commands say nothing.
//
// The command never waits for the disk to have room: what cannot be kept is
// read and dropped.
type stream struct {
	pipe  *os.File
	path  string
	limit int64

	// Owned by copyOut until it returns.
	file  *os.File
	bytes int64
	tail  []byte // at least the last tailBytes
	fault string
}

var streamBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func newStream(pipe *os.File, path string, limit int64) *stream {
	return &stream{pipe: pipe, path: path, limit: limit}
}

// copyOut reads the pipe to its end.
func (s *stream) copyOut() {
	defer s.close()
	conn, err := s.pipe.SyscallConn()
	if err != nil {
		s.fault = err.Error()
		return
	}
	// A buffer is held only while there is something to read.
	_ = conn.Read(func(fd uintptr) bool {
		buf := streamBuffers.Get().(*[64 << 10]byte)
		defer streamBuffers.Put(buf)
		for {
			n, err := syscall.Read(int(fd), buf[:])
			switch {
			case n > 0:
				s.keep(buf[:n])
			case err == syscall.EINTR:
			case err == syscall.EAGAIN:
				return false
			default:
				return true
			}
		}
	})
}

// keep writes what still fits under the limit.
func (s *stream) keep(b []byte) {
	s.tail = appendTail(s.tail, b)
	room := s.limit - s.bytes
	s.bytes += int64(len(b))
	if room <= 0 || s.fault != "" {
		return
	}
	// Nothing marks the cut: the file may be an image. Who reads it can tell
	// from the length of the whole, which is in the record.
	if err := s.write(b[:min(int64(len(b)), room)]); err != nil {
		s.fault = err.Error()
	}
}

func (s *stream) write(b []byte) error {
	if s.file == nil {
		f, err := os.OpenFile(s.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return err
		}
		s.file = f
	}
	_, err := s.file.Write(b)
	return err
}

// expire ends copyOut although the pipe is still open somewhere.
func (s *stream) expire() { _ = s.pipe.SetReadDeadline(time.Unix(1, 0)) }

func (s *stream) close() {
	_ = s.pipe.Close()
	if s.file == nil {
		return
	}
	if err := s.file.Close(); err != nil && s.fault == "" {
		s.fault = err.Error()
	}
	s.file = nil
}

// end returns what is known of the stream; copyOut must have returned.
func (s *stream) end() streamEnd {
	return streamEnd{Bytes: s.bytes, Tail: s.tail, Fault: s.fault}
}

// appendTail appends b to what is remembered of a stream's end: at least its
// last tailBytes, at most twice that.
func appendTail(tail, b []byte) []byte {
	if len(b) >= tailBytes {
		return append(tail[:0], b[len(b)-tailBytes:]...)
	}
	if len(tail)+len(b) > 2*tailBytes {
		tail = tail[:copy(tail, tail[len(tail)-tailBytes:])]
	}
	return append(tail, b...)
}

// shareTail cuts both tails so that together they take at most tailBytes: half
// for each, or more for one if the other needs less.
func shareTail(a, b []byte) ([]byte, []byte) {
	half := tailBytes / 2
	keepA := min(len(a), max(half, tailBytes-len(b)))
	keepB := min(len(b), max(half, tailBytes-len(a)))
	return lastBytes(a, keepA), lastBytes(b, keepB)
}

// lastBytes returns the last n bytes, less those of a character cut in two.
func lastBytes(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	b = b[len(b)-n:]
	for i := range min(len(b), 3) {
		if b[i]&0xC0 != 0x80 { // not in the middle of a UTF-8 sequence
			return b[i:]
		}
	}
	return b
}
