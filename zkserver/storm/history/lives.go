package history

// Lives checks that no session expired early.
func Lives(ops []Op) []Violation {
	var bad []Violation
	heard := map[int64]*Op{} // by session: the last write that was answered
	for i := range ops {
		o := &ops[i]
		switch {
		case o.Session == 0 || !o.Answered():
		case o.Kind == Expired:
			if last := heard[o.Session]; last != nil && o.Begin < last.Begin+o.Number*3/4 {
				bad = append(bad, violation("lives", "expired %d ns after it was heard, of %d: %s", o.Begin-last.Begin, o.Number, last))
			}
		case o.ordered() && o.Kind != Read && o.Kind != List:
			if last := heard[o.Session]; last == nil || o.Begin > last.Begin {
				heard[o.Session] = o
			}
		}
	}
	return bad
}
