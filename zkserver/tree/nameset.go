package tree

import (
	"maps"
	"slices"
)

// maxFewNames is how many names a set keeps in a slice. Most parents have few
// children, and a map costs more than those do.
const maxFewNames = 12

// A nameSet is a set of names in no order. Its zero value is empty.
type nameSet struct {
	few  []string
	many map[string]struct{} // in use instead of few once it is not nil
}

// add puts name in. The caller knows that it is not there.
func (s *nameSet) add(name string) {
	if s.many == nil && len(s.few) < maxFewNames {
		s.few = append(s.few, name)
		return
	}
	if s.many == nil {
		s.many = make(map[string]struct{}, 2*maxFewNames)
		for _, n := range s.few {
			s.many[n] = struct{}{}
		}
		s.few = nil
	}
	s.many[name] = struct{}{}
}

func (s *nameSet) remove(name string) {
	if s.many != nil {
		delete(s.many, name)
		return
	}
	if i := slices.Index(s.few, name); i >= 0 {
		last := len(s.few) - 1
		s.few[i], s.few[last] = s.few[last], ""
		s.few = s.few[:last]
	}
}

func (s *nameSet) len() int { return len(s.few) + len(s.many) }

// names gives a new slice of all names.
func (s *nameSet) names() []string {
	if s.many == nil {
		return slices.Clone(s.few)
	}
	return slices.AppendSeq(make([]string, 0, len(s.many)), maps.Keys(s.many))
}
