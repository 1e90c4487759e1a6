package wal

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// The index is compared with a plain list while entries are added, written
// over and truncated at random.
func TestIndexAgreesWithAList(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		type item struct {
			term uint64
			run  place // where the group with the entry begins
		}
		list := map[uint64]item{}
		var x index
		base, last, term := uint64(0), uint64(0), uint64(1)
		p := place{segment: 1, offset: sector}
		for range 300 {
			switch rng.IntN(10) {
			case 0:
				term++
				if last > base {
					last = base + rng.Uint64N(last-base+1)
				}
			case 1:
				if last > base {
					base += rng.Uint64N(last - base + 1)
					x.truncate(base, list[base].term)
				}
			case 2:
				p = place{segment: p.segment + 1, offset: sector}
			}
			for range 1 + rng.IntN(3) {
				last++
				if err := x.add(last, term, p); err != nil {
					t.Fatalf("seed %d: add %d: %v", seed, last, err)
				}
				list[last] = item{term: term, run: p}
			}
			p.offset += int64(sector * (1 + rng.IntN(100)))

			if x.base != base || x.last != last {
				t.Fatalf("seed %d: %d to %d, want %d to %d", seed, x.base, x.last, base, last)
			}
			for i := base + 1; i <= last; i++ {
				if got, err := x.term(i); err != nil || got != list[i].term {
					t.Fatalf("seed %d: term of %d = %d, %v, want %d", seed, i, got, err, list[i].term)
				}
				r, end, err := x.find(i)
				if err != nil || r.first > i || end <= i || r.segment != list[i].run.segment || r.offset > list[i].run.offset {
					t.Fatalf("seed %d: find %d = %+v to %d, %v, want %+v", seed, i, r, end, err, list[i])
				}
			}
		}
	}
}

func TestIndexKnowsItsBounds(t *testing.T) {
	var x index
	for i := range uint64(5) {
		if err := x.add(i+1, 3, place{1, 512}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.add(7, 3, place{1, 1024}); err == nil {
		t.Error("a gap was taken")
	}
	x.truncate(2, 3)
	for i, want := range []error{ErrCompacted, ErrCompacted, nil, nil, nil, nil, ErrUnavailable} {
		if _, err := x.term(uint64(i)); !errors.Is(err, want) {
			t.Errorf("term of %d: %v, want %v", i, err, want)
		}
	}
	x.reset(100, 9)
	if term, err := x.term(100); term != 9 || err != nil || x.last != 100 {
		t.Errorf("after reset: term %d, %v, last %d", term, err, x.last)
	}
}
