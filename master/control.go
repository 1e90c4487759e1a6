package master

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mwqueue/mw/coordinator"
)

// directive is a task that asks something of the master.
type directive struct {
	task   seq
	verb   string
	target coordinator.TaskID
	sought bool // the target was looked up although no listing had it
}

// verbCancel ends a task before its time.
const verbCancel = "cancel"

// directives carries out what is asked of the master, in the order it was
// asked. One that must wait for an answer about its target stays.
func (h *hand) directives() {
	b := h.b
	slices.SortFunc(b.controls, func(x, y directive) int { return cmp.Compare(x.task, y.task) })
	todo := b.controls
	b.controls = nil
	for _, d := range todo {
		t := b.tasks.get(d.task)
		if t == nil || t.state != control {
			continue
		}
		m, ready := move{}, false
		if h.left > 0 {
			m, ready = b.decide(&d)
		}
		if !ready {
			b.controls = append(b.controls, d)
			continue
		}
		h.play(m)
		b.set(t, moving)
	}
}

// decide returns the move that carries out a directive, once it can be known.
func (b *board) decide(d *directive) (m move, ready bool) {
	no := func(format string, args ...any) (move, bool) {
		return move{kind: refuse, task: d.task, attempt: 1, why: fmt.Sprintf(format, args...)}, true
	}
	if d.verb != verbCancel {
		return no("the master knows no %.40q", d.verb)
	}
	s, ok := coordinator.ParseTaskSeq(string(d.target))
	t := b.tasks.get(s)
	switch {
	case ok && t == nil && !d.sought: // a task made by hand may be told later than what was made after it
		d.sought = true
		b.set(b.add(s), left)
		b.left = append(b.left, question{task: s})
		return move{}, false
	case !ok || t == nil || t.state == gone:
		return no("there is no task %.40q", string(d.target))
	case t.state == final:
		return no("%s is final already", d.target)
	case t.state == control || s == d.task:
		return no("%s is a directive itself", d.target)
	case t.state != waiting && t.state != held:
		return move{}, false // something is under way about it
	}
	holder := b.holder(s, t)
	if !b.fresh(t) {
		if !t.looking() {
			b.urge(question{task: s, holder: holder})
		}
		return move{}, false
	}
	return move{kind: cancel, task: s, from: holder, attempt: int(t.attempts) + 1, order: d.task}, true
}

// holder returns a worker that has the task, or "".
func (b *board) holder(s seq, t *task) string {
	if t.holders > 0 {
		for _, w := range b.crew() {
			if h, ok := w.held[s]; ok && h.stage != pending {
				return w.name
			}
		}
	}
	return ""
}

// putBack: a cancel was refused. Its target is examined again and decides.
func (b *board) putBack(m move) {
	t := b.tasks.get(m.order)
	if t == nil {
		return
	}
	b.set(t, control)
	b.controls = append(b.controls, directive{task: m.order, verb: verbCancel, target: m.task.TaskID()})
}
