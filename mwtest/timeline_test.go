package mwtest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// A failed test is explained by what was done to whom, and what ended by
// itself, in order.
func TestEventsTellWhatWasDoneAndWhatEndedByItself(t *testing.T) {
	tl := &timeline{began: time.Now()}
	dir := t.TempDir()
	sleeper, err := start(tl, dir, "w1", os.Environ(), "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	tl.add("", "fault %d", 1)
	for _, do := range []func() error{sleeper.Pause, sleeper.Resume, sleeper.Kill} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	failing, err := start(tl, dir, "w2", os.Environ(), "sh", "-c", "exit 3")
	if err != nil {
		t.Fatal(err)
	}
	<-failing.Done()

	var got []string
	for _, e := range tl.list() {
		what, _, _ := strings.Cut(e.What, ", process")
		got = append(got, strings.TrimSpace(e.Who+" "+what))
	}
	want := []string{
		"w1 started", "fault 1", "w1 stopped (signal)", "w1 continued", "w1 killed", "w1 ended: signal: killed",
		"w2 started", "w2 ended: exit status 3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("events:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
