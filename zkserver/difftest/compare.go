package difftest

import (
	"fmt"
	"strings"
)

// A Mismatch is the first place where two servers told clients different things.
type Mismatch struct {
	Stream    Stream
	Reference Line   // what the reference said; its Text is "" for nothing
	Ours      Line   // what our server said
	Context   []Line // what both said in the step before that
}

// Compare returns the first mismatch of what the two servers said, or nil.
func Compare(s Stream, reference, ours []Line) *Mismatch {
	for i := range max(len(reference), len(ours)) {
		m := &Mismatch{Stream: s}
		if i < len(reference) {
			m.Reference = reference[i]
		}
		if i < len(ours) {
			m.Ours = ours[i]
		}
		if m.Reference == m.Ours {
			continue
		}
		m.Context = reference[max(0, i-5):min(i, len(reference))]
		return m
	}
	return nil
}

// String shows the stream and what was said.
func (m *Mismatch) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v  said alike before:\n", m.Stream)
	for _, l := range m.Context {
		fmt.Fprintf(&b, "    step %d %s\n", l.Step, short(l.String()))
	}
	fmt.Fprintf(&b, "  reference: step %d %s\n", m.Reference.Step, short(m.Reference.String()))
	fmt.Fprintf(&b, "  ours:      step %d %s\n", m.Ours.Step, short(m.Ours.String()))
	return b.String()
}
