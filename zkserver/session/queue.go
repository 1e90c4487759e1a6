package session

// A queue is a heap of sessions by look.
type queue []*tracked

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool { return q[i].look.Before(q[j].look) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push and Pop are for container/heap.
func (q *queue) Push(x any) {
	s := x.(*tracked)
	s.index = len(*q)
	*q = append(*q, s)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return s
}
