package history

// Watches checks that a client was given the event of a watch before it was shown
// what the watch was for, on the connection on which it set the watch. A client's
// operations are in the order in which it saw them.
func Watches(ops []Op) []Violation {
	type key struct {
		client, path string
	}
	var bad []Violation
	armed := map[key]*Op{}
	for i := range ops {
		o := &ops[i]
		k := key{o.Client, o.Path}
		switch {
		case o.Kind == Armed:
			armed[k] = o
		case o.Kind == Event:
			delete(armed, k)
		case o.Kind == Peek && o.Answered():
			w := armed[k]
			if w == nil || w.Conn != o.Conn || w.Session != o.Session || w.Conn == 0 {
				continue
			}
			if o.Code != w.Code || o.Zxid != w.Zxid {
				bad = append(bad, violation("watches", "no event, but the change was shown: %s, and then %s", w, o))
				delete(armed, k)
			}
		}
	}
	return bad
}
