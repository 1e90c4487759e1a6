package tree

import "strings"

// quotaPaths are the paths that have a quota, by their names: a search looks at
// each name of a path once, and at none behind the first that no quota has there
// too. Most trees have few quotas, and most paths end their search at the first
// name. The zero value is empty.
//
// Invariant: whatever has no path has something below it, but the top.
type quotaPaths struct {
	path  string // of the quota, "" for none here
	below map[string]*quotaPaths
}

// firstName cuts the first name off a path, whose slash it begins with.
func firstName(path string) (name, rest string) {
	if end := strings.IndexByte(path[1:], '/'); end >= 0 {
		return path[1 : 1+end], path[1+end:]
	}
	return path[1:], ""
}

// add puts in a valid path that is not the root's.
func (q *quotaPaths) add(path string) {
	for rest := path; rest != ""; {
		var name string
		name, rest = firstName(rest)
		next := q.below[name]
		if next == nil {
			next = new(quotaPaths)
			if q.below == nil {
				q.below = make(map[string]*quotaPaths)
			}
			q.below[name] = next
		}
		q = next
	}
	q.path = path
}

// remove takes a path out, and all that was there for its sake.
func (q *quotaPaths) remove(path string) {
	keep, branch := q, "" // branch goes from keep to path alone
	for rest := path; rest != ""; {
		var name string
		name, rest = firstName(rest)
		if branch == "" || q.path != "" || len(q.below) > 1 {
			keep, branch = q, name
		}
		if q = q.below[name]; q == nil {
			return
		}
	}
	q.path = ""
	if len(q.below) == 0 {
		delete(keep.below, branch)
	}
}

// longest gives the longest of the paths that a valid path is at or below, or "".
func (q *quotaPaths) longest(path string) string {
	found := ""
	for rest := path; len(rest) > 1 && len(q.below) > 0; {
		var name string
		name, rest = firstName(rest)
		if q = q.below[name]; q == nil {
			break
		}
		if q.path != "" {
			found = q.path
		}
	}
	return found
}

// all gives the paths, in no order.
func (q *quotaPaths) all() []string {
	var paths []string
	for todo := []*quotaPaths{q}; len(todo) > 0; {
		last := len(todo) - 1
		q, todo = todo[last], todo[:last]
		if q.path != "" {
			paths = append(paths, q.path)
		}
		for _, next := range q.below {
			todo = append(todo, next)
		}
	}
	return paths
}
