package master

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mwqueue/mw/coordinator"
)

// seq is a task's ID in four bytes: the number the service gave it. The
// service counts in an int32 and goes on at -2147483648 after 2147483647; as
// unsigned numbers these are in the order they were given.
type seq uint32

// seqPrefix is what the names of tasks begin with.
const seqPrefix = "task-"

// id returns the task's ID, which is the name of its znode.
func (s seq) id() coordinator.TaskID {
	return coordinator.TaskID(fmt.Sprintf("%s%010d", seqPrefix, int32(s)))
}

// parseSeq reads the name of a task's znode as the service writes it. Another
// spelling of the number is another znode, and none of ours.
func parseSeq(name string) (seq, bool) {
	digits, ok := strings.CutPrefix(name, seqPrefix)
	if !ok || len(digits) < 10 {
		return 0, false
	}
	if digits[0] == '-' {
		n, err := strconv.ParseInt(digits, 10, 32)
		return seq(uint32(int32(n))), err == nil && string(seq(uint32(int32(n))).id()) == name
	}
	return parseDigits(digits)
}

// parseDigits is the common case, done for every name of every listing.
func parseDigits(digits string) (seq, bool) {
	var n uint64
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return seq(n), len(digits) == 10 && n <= 1<<31-1
}
