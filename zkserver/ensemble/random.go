package ensemble

import (
	"crypto/rand"
	"encoding/binary"
)

// random gives a number that nobody else draws.
func random() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// randomBelow gives a number from 0 to n-1.
func randomBelow(n int64) int64 { return int64(random() % uint64(n)) }
