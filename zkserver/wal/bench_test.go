package wal_test

import (
	"fmt"
	"testing"

	"github.com/mwqueue/mw/zkserver/wal"
)

// BenchmarkAppend is the disk's sync rate for groups of some sizes: what no
// server on this log can exceed.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{200, 12 << 10, 160 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := open(b, wal.Options{Dir: b.TempDir()})
			go func() {
				for range l.Wanted() {
					if l.Prepare() != nil {
						return
					}
				}
			}()
			data := make([]byte, size)
			next := uint64(1)
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := l.Append(wal.HardState{}, []wal.Entry{{Index: next, Term: 1, Data: data}}); err != nil {
					b.Fatal(err)
				}
				if next%500 == 0 {
					if err := l.Truncate(next-100, 1); err != nil {
						b.Fatal(err)
					}
				}
				next++
			}
		})
	}
}
