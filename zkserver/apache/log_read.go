package apache

import (
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"os"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A follower takes the transactions of the log files in turn.
type follower struct {
	*replayer
	last int64 // the newest zxid in the log or the snapshot
	end  int64 // the newest zxid in the log
}

// readLog carries out what a log file has beyond the state. Its last transaction
// may be cut short, even if there are later files: a server that was killed goes
// on with a new one. What would be missing is noticed there.
func (f *follower) readLog(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return f.readFrom(file, path)
}

func (f *follower) readFrom(r io.Reader, path string) error {
	s := newStream(r)
	s.fileHeader(logMagic)
	if errors.Is(s.err, io.ErrUnexpectedEOF) {
		f.Warnings = append(f.Warnings, fmt.Sprintf("%s: empty: passed over", path))
		return nil
	}
	for s.err == nil {
		start := s.off
		record := s.transaction()
		if s.err != nil || record == nil {
			if s.err == nil {
				return nil
			}
			if errors.Is(s.err, io.ErrUnexpectedEOF) || s.restIsZero() {
				f.Warnings = append(f.Warnings, fmt.Sprintf("%s: offset %d: a transaction is cut short: it was never acknowledged, and is left out", path, start))
				return nil
			}
			return fmt.Errorf("%w: %s: offset %d: %w", ErrDamaged, path, start, s.err)
		}
		if err := f.take(record); err != nil {
			return fmt.Errorf("%s: offset %d: %w", path, start, err)
		}
	}
	return fmt.Errorf("%w: %s: offset %d: %w", ErrDamaged, path, s.off, s.err)
}

// transaction reads one record: nil without an error is the end of the log,
// which is the end of the file or of what is not zeros in it.
func (s *stream) transaction() []byte {
	if _, err := s.r.Peek(1); err == io.EOF {
		return nil
	}
	sum := s.int64()
	record := s.bytes()
	if s.err != nil {
		return nil
	}
	if len(record) == 0 {
		if sum != 0 {
			s.err = errors.New("a transaction without a record")
		}
		return nil
	}
	if got := int64(adler32.Checksum(record)); got != sum {
		s.err = fmt.Errorf("the checksum is %#x, the file says %#x", got, sum)
		return nil
	}
	s.fill(s.buf[:1])
	if s.err == nil && s.buf[0] != 'B' {
		s.err = errors.New("a transaction does not end as it should")
	}
	return record
}

// restIsZero reports whether nothing was written behind what was read: a log's
// space is allocated, as zeros, before it is written.
func (s *stream) restIsZero() bool {
	for {
		b, err := s.r.ReadByte()
		if err != nil || b != 0 {
			return err == io.EOF
		}
	}
}

// take carries out one transaction if the state does not have it.
func (f *follower) take(record []byte) error {
	d := wire.NewDecoder(record)
	h, err := decodeHeader(&d)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	f.end = h.zxid
	if h.zxid <= f.last {
		return nil
	}
	if h.zxid>>32 == f.last>>32 && h.zxid != f.last+1 {
		return fmt.Errorf("%w: transaction %#x follows %#x: the ones between are missing; is a log file gone, or in another dataLogDir?",
			ErrDamaged, h.zxid, f.last)
	}
	f.last = h.zxid
	return f.replay(h, &d)
}
