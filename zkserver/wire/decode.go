package wire

import (
	"encoding/binary"
	"errors"
)

// These errors say why a record does not decode. A server answers all of them
// with [MarshallingError] and keeps the connection, but for an [AuthRequest]
// and a [ConnectRequest], on which Apache ZooKeeper ends it.
var (
	ErrShort   = errors.New("wire: record is cut short")
	ErrLength  = errors.New("wire: impossible length")
	ErrNull    = errors.New("wire: null where a value is needed")
	ErrMultiOp = errors.New("wire: op cannot be part of a multi")
)

// A Decoder reads the fields of records from the front of a byte slice.
//
// The first fault latches: from then on every call returns the zero value,
// and [Decoder.Err] says what went wrong. So a record is decoded field by
// field without a check between, and checked once at its end.
type Decoder struct {
	rest []byte
	err  error
}

// NewDecoder returns a Decoder that reads b. What [Decoder.Bytes] returns is
// part of b.
func NewDecoder(b []byte) Decoder { return Decoder{rest: b} }

// Err returns the first fault, or nil.
func (d *Decoder) Err() error { return d.err }

// Len returns how many bytes have not been read. ZooKeeper ignores bytes
// after a record's end; so do the records here.
func (d *Decoder) Len() int { return len(d.rest) }

// Rest returns the bytes that have not been read, as part of the input.
func (d *Decoder) Rest() []byte { return d.rest }

// Int32 reads 4 bytes.
func (d *Decoder) Int32() int32 {
	if len(d.rest) < 4 {
		d.fail(ErrShort)
		return 0
	}
	v := int32(binary.BigEndian.Uint32(d.rest))
	d.rest = d.rest[4:]
	return v
}

// Int64 reads 8 bytes.
func (d *Decoder) Int64() int64 {
	if len(d.rest) < 8 {
		d.fail(ErrShort)
		return 0
	}
	v := int64(binary.BigEndian.Uint64(d.rest))
	d.rest = d.rest[8:]
	return v
}

// Bool reads 1 byte; as in Java, any but 0 is true.
func (d *Decoder) Bool() bool {
	if len(d.rest) < 1 {
		d.fail(ErrShort)
		return false
	}
	v := d.rest[0] != 0
	d.rest = d.rest[1:]
	return v
}

// Bytes reads a buffer: nil for a null one, else not nil. The result is part
// of the input, with no room to grow into what follows it.
func (d *Decoder) Bytes() []byte {
	n := int(d.Int32())
	switch {
	case d.err != nil || n == -1:
		return nil
	case n < 0:
		d.fail(ErrLength)
		return nil
	case n > len(d.rest):
		d.fail(ErrShort)
		return nil
	}
	v := d.rest[:n:n]
	d.rest = d.rest[n:]
	return v
}

// String reads a string; a null one reads as "".
func (d *Decoder) String() string { return string(d.Bytes()) }

// Path reads a string that must not be null: a path. ZooKeeper takes "" for
// the root in places, but refuses null with [MarshallingError].
func (d *Decoder) Path() string {
	b := d.Bytes()
	if b == nil {
		d.fail(ErrNull) // does nothing when Bytes failed already
	}
	return string(b)
}

// Strings reads a vector of strings: nil for a null one, else not nil.
func (d *Decoder) Strings() []string {
	n := d.count(4)
	if n < 0 {
		return nil
	}
	v := make([]string, n)
	for i := range v {
		v[i] = d.String()
	}
	if d.err != nil {
		return nil
	}
	return v
}

// count reads the count of a vector whose elements take at least size bytes
// each. It returns -1 for null and after a fault. As in Apache ZooKeeper, other
// negative counts are empty vectors. A count that the bytes left cannot hold is a
// fault, so that nothing is allocated for it.
func (d *Decoder) count(size int) int {
	n := int(d.Int32())
	switch {
	case d.err != nil || n == -1:
		return -1
	case n < 0:
		return 0
	case n > len(d.rest)/size:
		d.fail(ErrShort)
		return -1
	}
	return n
}

// fail latches err unless something failed before. It drops what is left, so
// that no later call finds anything to read.
func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}
