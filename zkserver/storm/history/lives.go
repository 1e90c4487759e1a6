package history

// Lives checks that no session expired early: sooner than three quarters of its
// timeout after its last answered write. A session that was silent for as long as
// that and then spoke again may expire all the same, for so long: who has noticed
// the silence may not have heard yet.
func Lives(ops []Op) []Violation {
	type life struct {
		write *Op   // the last that was answered
		heard int64 // the last answer of any kind
		spoke int64 // the first operation after the last silence
	}
	var bad []Violation
	lives, timeouts := map[int64]*life{}, map[int64]int64{}
	for i := range ops {
		if o := &ops[i]; o.Kind == Expired {
			timeouts[o.Session] = o.Number * 3 / 4
		}
	}
	for i := range ops {
		o := &ops[i]
		timeout, over := timeouts[o.Session]
		if !over || !o.Answered() {
			continue
		}
		l := lives[o.Session]
		if l == nil {
			l = &life{spoke: o.Begin - timeout, heard: o.Begin}
			lives[o.Session] = l
		}
		if o.Kind == Expired {
			if l.write != nil && o.Begin < l.write.Begin+timeout && o.Begin >= l.spoke+timeout {
				bad = append(bad, violation("lives", "expired %d ns after it was heard, of %d: %s", o.Begin-l.write.Begin, o.Number, l.write))
			}
			continue
		}
		if o.Begin-l.heard >= timeout {
			l.spoke = o.Begin
		}
		l.heard = max(l.heard, o.End)
		if o.ordered() && o.Kind != Read && o.Kind != List && (l.write == nil || o.Begin > l.write.Begin) {
			l.write = o
		}
	}
	return bad
}

// Leases checks that no session expired in the time that a sync promised it. A sync
// that is answered later than that promises nothing: the end of the session may be
// under way. To attach it again does: what was under way is void then.
func Leases(ops []Op) []Violation {
	type lease struct {
		until int64
		given *Op // by it; nil while there is none
	}
	timeouts := map[int64]int64{} // of those that expired
	for i := range ops {
		if o := &ops[i]; o.Kind == Expired {
			timeouts[o.Session] = o.Number
		}
	}
	var bad []Violation
	leases := map[int64]lease{}
	for i := range ops {
		o := &ops[i]
		timeout, over := timeouts[o.Session]
		if !over || o.Session == 0 || !o.Answered() {
			continue
		}
		switch l := leases[o.Session]; {
		case o.Kind == Attached, (o.Kind == Read || o.Kind == List) && o.End < l.until:
			if o.Begin+timeout > l.until {
				leases[o.Session] = lease{o.Begin + timeout, o}
			}
		case o.Kind == Read || o.Kind == List:
			delete(leases, o.Session)
		case o.Kind == Expired && l.given != nil && o.Begin < l.until:
			bad = append(bad, violation("leases", "expired %d ns after it was promised %d: %s", o.Begin-l.given.Begin, timeout, l.given))
		}
	}
	return bad
}
