package suites

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// outcomes is what a program said of its checks.
type outcomes struct {
	names []string          // in the order they ran
	why   map[string]string // of those that failed
	raw   string
	err   error // how the program ended
}

// parseOutcomes reads lines "ok NAME" and "FAIL NAME REASON".
func parseOutcomes(text string) outcomes {
	o := outcomes{why: map[string]string{}, raw: text}
	for line := range strings.Lines(text) {
		verdict, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, why, _ := strings.Cut(rest, " ")
		switch verdict {
		case "FAIL":
			o.why[name] = "it failed: " + why
			fallthrough
		case "ok":
			o.names = append(o.names, name)
		}
	}
	return o
}

// differ says which checks went otherwise on ours than on the reference, o.
func (o outcomes) differ(ours outcomes) []string {
	var d []string
	for _, name := range o.names {
		theirs, failedThere := o.why[name]
		our, failedHere := ours.why[name]
		switch {
		case !slices.Contains(ours.names, name):
			d = append(d, fmt.Sprintf("%s did not run on ours; the end of its output: %s", name, ours.raw[max(0, len(ours.raw)-500):]))
		case failedHere && !failedThere:
			d = append(d, fmt.Sprintf("%s passes on Apache ZooKeeper; on ours %s", name, our))
		case failedThere && !failedHere:
			d = append(d, fmt.Sprintf("%s passes on ours; on Apache ZooKeeper %s", name, theirs))
		}
	}
	return d
}

func TestOutcomesDifferWhereOneSideFails(t *testing.T) {
	theirs := parseOutcomes("ok a\nnoise\nFAIL b was 1\nok c\nok d\n")
	ours := parseOutcomes("ok a\nok b\nFAIL c is 2\n")
	got := theirs.differ(ours)
	for i, want := range []string{"b passes on ours", "c passes on Apache", "d did not run"} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("difference %d of %q, want %q", i, got, want)
		}
	}
	if d := theirs.differ(theirs); len(d) != 0 {
		t.Errorf("differs from itself: %q", d)
	}
}
