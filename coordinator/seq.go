package coordinator

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Seq is the number the service gave a sequential znode, a task's ID in four
// bytes. The service counts in an int32 per parent and goes on at -2147483648
// after 2147483647; as unsigned numbers these are in the order they were given.
type Seq uint32

// seqDigits is how many digits the service writes at least.
const seqDigits = 10

// String gives the number as the service writes it at the end of a name.
func (n Seq) String() string { return n.after("") }

// after gives the number behind a prefix. Every path of a task is made so.
func (n Seq) after(prefix string) string {
	if int32(n) < 0 {
		return fmt.Sprintf("%s%0*d", prefix, seqDigits, int32(n))
	}
	var b [40]byte
	name := append(append(b[:0], prefix...), "0000000000"...)
	for i := len(name) - 1; n > 0; i-- {
		name[i] = '0' + byte(n%10)
		n /= 10
	}
	return string(name)
}

// Near returns the number that is nearer to near of those that have the low 31 bits
// of n.
func (n Seq) Near(near Seq) Seq {
	if other := n ^ 1<<31; distance(other, near) < distance(n, near) {
		return other
	}
	return n
}

// TaskID returns the ID of the task with that number, the name of its znode.
func (n Seq) TaskID() TaskID { return TaskID(n.after(taskPrefix)) }

// ParseSeq reads the number at the end of a sequential znode's name, as the
// service writes it: "task-0000000042" with the prefix "task-". Another
// spelling of the number is another znode, which the service did not name, and
// not ok.
func ParseSeq(prefix, name string) (n Seq, ok bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok || len(digits) < seqDigits {
		return 0, false
	}
	if digits[0] == '-' {
		n, err := strconv.ParseInt(digits, 10, 32)
		return Seq(uint32(int32(n))), err == nil && Seq(uint32(int32(n))).String() == digits
	}
	return parseDigits(digits)
}

// parseDigits is the common case, done for every name of every listing.
func parseDigits(digits string) (Seq, bool) {
	var n uint64
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
		if n > 1<<31-1 {
			return 0, false
		}
	}
	return Seq(n), len(digits) == seqDigits
}

// ParseTaskSeq reads the number of a task from its znode's name; see [ParseSeq].
func ParseTaskSeq(name string) (Seq, bool) { return ParseSeq(taskPrefix, name) }

// Seq returns the number at the end of the ID, however it is spelled.
func (id TaskID) Seq() (Seq, bool) {
	digits, ok := strings.CutPrefix(string(id), taskPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	return Seq(uint32(int32(n))), err == nil
}

// CompareTaskIDs orders tasks by age, the oldest first: the service's numbers
// in the order it gave them. IDs without a number come last, by name.
func CompareTaskIDs(a, b TaskID) int {
	na, oka := a.Seq()
	nb, okb := b.Seq()
	switch {
	case oka && okb:
		return cmp.Or(cmp.Compare(na, nb), cmp.Compare(a, b))
	case oka:
		return -1
	case okb:
		return 1
	}
	return cmp.Compare(a, b)
}
