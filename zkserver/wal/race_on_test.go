//go:build race

package wal_test

// everyByte is how far apart the damaged bytes are. The race detector makes
// recovery ten times slower and finds nothing new at each byte.
const everyByte = 11
