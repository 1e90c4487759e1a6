package coordinator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// These words stand before the number in a contender's name. The form
// "_c_<hex>-lock-<number>" is that of Curator's InterProcessMutex, whose
// contenders may wait for the same lock.
const (
	lockWord = "-lock-"
	readWord = "-read-"
)

// A Contender holds a lock or waits for it.
type Contender struct {
	Name   string // of its znode, whose data is the Note it asked with
	Shared bool
	Holds  bool // or is about to be told so
}

// Contenders lists who holds the lock at path and who waits for it, in the order
// they came, as the server we are connected to knows it. Nobody does if there is
// no such lock.
func (s *Session) Contenders(ctx context.Context, path string) ([]Contender, error) {
	names, _, err := s.Children(ctx, path)
	if err != nil && !errors.Is(err, ErrNoNode) {
		return nil, err
	}
	return contenders(names), nil
}

// contenders puts a queue in order.
func contenders(names []string) []Contender {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { _, _, ok := contender(name); return !ok })
	slices.SortFunc(names, func(a, b string) int {
		na, _, _ := contender(a)
		nb, _, _ := contender(b)
		return cmp.Compare(na-nb, 0) // of numbers that overflow
	})
	queue := make([]Contender, len(names))
	shared := true // so far
	for i, name := range names {
		_, reads, _ := contender(name)
		shared = shared && reads
		queue[i] = Contender{Name: name, Shared: reads, Holds: i == 0 || shared}
	}
	return queue
}

// predecessor returns the last one whom name has to wait for, "" if there is
// nobody; queued says whether name is there at all. Who shares waits only for
// those who do not. What begins with mark is of the same contender.
func predecessor(names []string, name, mark string) (ahead string, queued bool) {
	own, shared, ok := contender(name)
	if !ok {
		return "", false
	}
	var best int32
	for _, other := range names {
		if strings.HasPrefix(other, mark) {
			queued = queued || other == name
			continue
		}
		n, reads, ok := contender(other)
		if !ok || shared && reads {
			continue
		}
		if before := own - n; before > 0 && (ahead == "" || before < best) {
			ahead, best = other, before
		}
	}
	return ahead, queued
}

// busy reports whether one who comes now would have to wait.
func busy(names []string, shared bool) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, reads, ok := contender(name)
		return ok && !(shared && reads)
	})
}

// contender reads the number the service gave. It is an int32 that overflows to
// negative, so that two numbers compare by the sign of their difference.
func contender(name string) (number int32, shared, ok bool) {
	i, word := strings.LastIndex(name, lockWord), lockWord
	if j := strings.LastIndex(name, readWord); j > i {
		i, word = j, readWord
	}
	if i < 0 {
		return 0, false, false
	}
	n, err := strconv.ParseInt(name[i+len(word):], 10, 32)
	return int32(n), word == readWord, err == nil
}
