// Package boottime is a clock that every process of a machine reads alike, that
// nobody sets, and that goes on while the machine sleeps: CLOCK_BOOTTIME of
// clock_gettime(2). Leases that two processes agree on are measured by it.
//
// Elsewhere than on Linux it is the wall clock, which somebody may set.
package boottime
