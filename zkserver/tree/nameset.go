package tree

import "slices"

// maxFewNames is how many names a set keeps in a slice. Most parents have few
// children, and a table costs more than those do.
const maxFewNames = 12

// A nameSet is a set of names in no order. Its zero value is empty.
type nameSet struct {
	few  []string
	many *table[name] // in use instead of few once it is not nil
}

// add puts name in. The caller knows that it is not there.
func (s *nameSet) add(n string) {
	if s.many == nil && len(s.few) < maxFewNames {
		s.few = append(s.few, n)
		return
	}
	s.addTagged(tag(n), n)
}

// addTagged is add for a name whose tag is known.
func (s *nameSet) addTagged(tag uint32, n string) {
	if s.many == nil && len(s.few) < maxFewNames {
		s.few = append(s.few, n)
		return
	}
	if s.many == nil {
		s.spread(2 * maxFewNames)
	}
	s.many.addTagged(tag, name(n))
}

// spread moves the names to a table with room for n.
func (s *nameSet) spread(n int) {
	s.many = new(table[name])
	s.many.reserve(n)
	for _, n := range s.few {
		s.many.add(name(n))
	}
	s.few = nil
}

// expect makes room for n names in an empty set.
func (s *nameSet) expect(n int) {
	switch {
	case n > maxFewNames:
		s.spread(n)
	case n > 0:
		s.few = make([]string, 0, n)
	}
}

func (s *nameSet) remove(n string) {
	if s.many != nil {
		s.many.remove(n)
		return
	}
	if i := slices.Index(s.few, n); i >= 0 {
		last := len(s.few) - 1
		s.few[i], s.few[last] = s.few[last], ""
		s.few = s.few[:last]
	}
}

func (s *nameSet) len() int {
	if s.many != nil {
		return s.many.used
	}
	return len(s.few)
}

// names gives a new slice of all names.
func (s *nameSet) names() []string {
	if s.many == nil {
		return slices.Clone(s.few)
	}
	names := make([]string, 0, s.many.used)
	for n := range s.many.all() {
		names = append(names, string(n))
	}
	return names
}
