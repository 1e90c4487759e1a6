//go:build !race

package wal_test

// everyByte is how far apart the damaged bytes are.
const everyByte = 1
