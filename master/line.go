package master

import "slices"

// line is the queue of waiting tasks, the oldest first, in four bytes a task.
// It may hold tasks that no longer wait: whoever reads it skips those, which
// costs less than to remove them from the middle. The zero line is empty.
type line struct {
	order  []seq // sorted, oldest first
	cursor int   // order[:cursor] are examined, or being examined
	back   []seq // joined since the last settle, in no order
}

// join puts a task in at its place.
func (l *line) join(s seq) { l.back = append(l.back, s) }

// settle sorts in what has joined. Every other method wants a settled line.
func (l *line) settle() {
	if len(l.back) == 0 {
		return
	}
	slices.Sort(l.back)
	i, j := len(l.order)-1, len(l.back)-1
	l.order = append(l.order, l.back...)
	for k := len(l.order) - 1; j >= 0; k-- { // merge the two runs from their ends
		if i >= 0 && l.order[i] > l.back[j] {
			l.order[k] = l.order[i]
			i--
		} else {
			l.order[k] = l.back[j]
			j--
		}
	}
	l.cursor = min(l.cursor, i+1)
	l.back = l.back[:0]
}

// trim drops the head of the line as long as it is stale, and returns the
// oldest task that is not.
func (l *line) trim(stale func(seq) bool) (seq, bool) {
	n := 0
	for n < len(l.order) && stale(l.order[n]) {
		n++
	}
	l.drop(n)
	if len(l.order) == 0 {
		return 0, false
	}
	return l.order[0], true
}

// drop removes the first n.
func (l *line) drop(n int) {
	l.order = l.order[n:]
	l.cursor = max(0, l.cursor-n)
	if len(l.order) == 0 {
		l.order = nil // its memory can go
	}
}

// next moves the cursor over one task and returns it, if the cursor is not
// yet at the limit.
func (l *line) next(limit int) (seq, bool) {
	if l.cursor >= min(limit, len(l.order)) {
		return 0, false
	}
	l.cursor++
	return l.order[l.cursor-1], true
}
