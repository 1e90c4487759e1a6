package session

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"time"
)

// The format is laid out in the package doc.
const (
	magic      = "mw sess\x01" // the last byte is the format's version
	recordSize = 8 + 8 + 4

	// maxSecret is more than any secret is long.
	maxSecret = 1024
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Capture is a table as it was at one moment.
type Capture struct {
	secret   []byte
	sessions []Session
}

// Capture copies the table, and leaves the work of encoding it for later, when
// the table may go on.
func (t *Table) Capture() Capture {
	c := Capture{secret: t.secret, sessions: make([]Session, 0, len(t.sessions))}
	for _, s := range t.sessions {
		c.sessions = append(c.sessions, s)
	}
	return c
}

// Append appends the table as it goes into a snapshot: the same bytes for equal
// tables.
func (t *Table) Append(b []byte) []byte { return t.Capture().Append(b) }

// Append is Append of the table that was captured.
func (t Capture) Append(b []byte) []byte {
	slices.SortFunc(t.sessions, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	start := len(b)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(t.secret)))
	b = append(b, t.secret...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(t.sessions)))
	for _, s := range t.sessions {
		b = binary.BigEndian.AppendUint64(b, uint64(s.ID))
		b = binary.BigEndian.AppendUint64(b, uint64(s.Timeout))
		b = binary.BigEndian.AppendUint32(b, s.Attach)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// ReadTable reads exactly what Append wrote, and nothing after it. It takes
// memory in proportion to what r gives.
func ReadTable(r io.Reader) (*Table, error) {
	d := decoder{r: r, sum: crc32.New(castagnoli)}
	t, err := d.table()
	if err != nil {
		return nil, fmt.Errorf("session: read table: offset %d: %w", d.offset, err)
	}
	return t, nil
}

type decoder struct {
	r      io.Reader
	sum    hash.Hash32
	offset int64
}

func (d *decoder) table() (*Table, error) {
	var head [len(magic) + 4]byte
	if err := d.fill(head[:]); err != nil {
		return nil, err
	}
	if string(head[:len(magic)]) != magic {
		return nil, errors.New("not a table of sessions, or of another version")
	}
	size := binary.BigEndian.Uint32(head[len(magic):])
	if size > maxSecret {
		return nil, fmt.Errorf("secret of %d bytes", size)
	}
	secret := make([]byte, size)
	if err := d.fill(secret); err != nil {
		return nil, err
	}
	t := NewTable(secret)
	if err := d.sessions(t); err != nil {
		return nil, err
	}
	want := d.sum.Sum32()
	var crc [4]byte
	if err := d.fill(crc[:]); err != nil {
		return nil, err
	}
	if binary.BigEndian.Uint32(crc[:]) != want {
		return nil, errors.New("damaged")
	}
	return t, nil
}

func (d *decoder) sessions(t *Table) error {
	var b [recordSize]byte
	if err := d.fill(b[:8]); err != nil {
		return err
	}
	for range binary.BigEndian.Uint64(b[:]) {
		if err := d.fill(b[:]); err != nil {
			return err
		}
		s := Session{
			ID:      ID(binary.BigEndian.Uint64(b[:])),
			Timeout: time.Duration(binary.BigEndian.Uint64(b[8:])),
			Attach:  binary.BigEndian.Uint32(b[16:]),
		}
		if _, ok := t.sessions[s.ID]; ok {
			return fmt.Errorf("session %#x is there twice", uint64(s.ID))
		}
		t.sessions[s.ID] = s
	}
	return nil
}

// fill reads exactly len(b) bytes.
func (d *decoder) fill(b []byte) error {
	n, err := io.ReadFull(d.r, b)
	d.offset += int64(n)
	d.sum.Write(b[:n])
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
