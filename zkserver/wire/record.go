package wire

// A Record is a body that can be read and written. Every record of this package
// is one, by its pointer.
type Record interface {
	// Decode fills the record from d. A fault is left in d.Err, and the
	// record is then of no use. Byte slices of the record are part of d's
	// input; strings are copies.
	Decode(d *Decoder)

	// Append writes the record to the end of b and returns the longer slice.
	Append(b []byte) []byte
}

// Decode fills r from the front of b and returns the first fault. Bytes of b
// behind the record are ignored, as ZooKeeper does.
func Decode(b []byte, r Record) error {
	d := NewDecoder(b)
	r.Decode(&d)
	return d.Err()
}

// Empty is the body of a request or reply that has none: ping, closeSession,
// whoAmI; the replies of delete and check.
type Empty struct{}

func (*Empty) Decode(*Decoder) {}

func (*Empty) Append(b []byte) []byte { return b }
