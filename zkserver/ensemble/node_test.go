package ensemble_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

func TestCommandsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for life := range 3 {
		n, m, stop := start(t, ensemble.Config{Dir: dir, SegmentBytes: 64 << 10})
		<-n.Ready()
		if got := m.list(); !slices.Equal(got, want) {
			t.Fatalf("life %d begins with %q, want %q", life, got, want)
		}
		for i := range 10 {
			c := fmt.Sprintf("life %d command %d", life, i)
			want = append(want, c)
			if err := n.Propose(t.Context(), uint64(i), []byte(c)); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.wait(t.Context(), len(want)); err != nil {
			t.Fatal(err)
		}
		if err := n.ReadIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
	}
}
