package difftest

import "slices"

// Shrink returns a stream with fewer steps and requests for which fails still
// holds. It asks fails at most budget times.
func Shrink(s Stream, budget int, fails func(Stream) bool) Stream {
	try := func(steps []Step) bool {
		if budget <= 0 {
			return false
		}
		budget--
		return fails(Stream{Seed: s.Seed, Steps: steps})
	}
	s.Steps = slices.Clone(s.Steps)
	for {
		before := s.Len() + len(s.Steps)
		s.Steps = dropEach(s.Steps, try)
		for i := range s.Steps {
			s.Steps[i].Requests = dropEach(s.Steps[i].Requests, func(q []Request) bool {
				if len(q) == 0 {
					return false
				}
				steps := slices.Clone(s.Steps)
				steps[i].Requests = q
				return try(steps)
			})
		}
		if after := s.Len() + len(s.Steps); after == before || budget <= 0 {
			return s
		}
	}
}

// dropEach drops stretches of v, long ones first, as long as ok holds without them.
func dropEach[T any](v []T, ok func([]T) bool) []T {
	for size := len(v); size > 0; size /= 2 {
		for at := 0; at < len(v); {
			without := slices.Concat(v[:at], v[min(at+size, len(v)):])
			if len(without) < len(v) && ok(without) {
				v = without
			} else {
				at += size
			}
		}
	}
	return v
}
