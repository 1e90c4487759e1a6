package apache

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/adler32"
	"io"

	"github.com/mwqueue/mw/zkserver/wire"
)

// maxBuffer bounds one buffer or string: jute.maxbuffer is rarely raised above
// a few MiB, and memory is taken only as bytes arrive.
const maxBuffer = 1 << 30

// A stream reads jute records, adding up the bytes as it goes. The first fault
// latches: what is read after it is zero.
type stream struct {
	r   *bufio.Reader
	sum hash.Hash32
	off int64
	err error
	buf [8]byte
}

func newStream(r io.Reader) *stream {
	return &stream{r: bufio.NewReaderSize(r, 64<<10), sum: adler32.New()}
}

func (s *stream) fill(b []byte) {
	if s.err != nil {
		clear(b)
		return
	}
	n, err := io.ReadFull(s.r, b)
	s.off += int64(n)
	s.sum.Write(b[:n])
	if err != nil {
		s.err = short(err)
		clear(b)
	}
}

func (s *stream) int32() int32 {
	s.fill(s.buf[:4])
	return int32(binary.BigEndian.Uint32(s.buf[:4]))
}

func (s *stream) int64() int64 {
	s.fill(s.buf[:8])
	return int64(binary.BigEndian.Uint64(s.buf[:8]))
}

// bytes reads a buffer: nil for a null one, else not nil. It takes memory in
// proportion to what arrives.
func (s *stream) bytes() []byte {
	n := s.int32()
	switch {
	case s.err != nil || n == -1:
		return nil
	case n < 0 || n > maxBuffer:
		s.err = fmt.Errorf("%w: a length of %d", ErrDamaged, n)
		return nil
	case n > 1<<20:
		return s.long(int64(n))
	}
	b := make([]byte, n)
	s.fill(b)
	return b
}

func (s *stream) long(n int64) []byte {
	b, err := io.ReadAll(io.LimitReader(s.r, n))
	s.off += int64(len(b))
	s.sum.Write(b)
	if err == nil && int64(len(b)) < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.err = err
	}
	return b
}

func (s *stream) string() string { return string(s.bytes()) }

func (s *stream) acl() []wire.ACL {
	n := s.int32()
	if n < 0 {
		return openACL()
	}
	var acl []wire.ACL
	for range n {
		a := wire.ACL{Perms: s.int32(), Scheme: s.string(), ID: s.string()}
		if s.err != nil {
			return nil
		}
		acl = append(acl, a)
	}
	return acl
}

func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
