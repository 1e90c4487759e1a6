//go:build unix

package zkserver

import (
	"math"
	"syscall"
)

// fileLimit is how many files this process may have open, sockets among them.
func fileLimit() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur)
}
