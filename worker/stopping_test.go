package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A script of counts at times, with a "d" once it drains, and of writes that are
// over: "w" for write now, a number for when, "-" for nothing.
func TestNoticeOfTheCondition(t *testing.T) {
	tests := []struct{ name, script string }{
		{"most end at once", "1@0=100 0@50=- 0@200=-"},
		{"one that does not", "1@0=100 1@100=w 1@110=- ok@120 1@120=- 0@500=w ok@510 0@510=-"},
		{"more while that is written", "1@0=100 1@100=w 3@110=- ok@120 3@120=220 3@220=w ok@230 3@231=-"},
		{"fewer are told at once", "3@0=100 3@100=w ok@110 2@120=w 1@121=- ok@130 1@130=w"},
		{"a write that fails", "1@0=100 1@100=w bad@110 1@110=1110 1@1110=w ok@1120 1@1121=-"},
		{"draining is told at once", "0@0=- 0d@10=w ok@20 0d@30=-"},
		{"draining with something to stop", "1@0=100 1d@10=100 1d@100=w ok@110 1d@120=- 0d@130=w"},
		{"ended before the write was tried again", "1@0=100 1@100=w bad@110 0@110=- 0@2000=-"},
	}
	for _, tt := range tests {
		var n notice
		for step := range strings.FieldsSeq(tt.script) {
			var ms, count int
			what, want, _ := strings.Cut(step, "=")
			verb, when, _ := strings.Cut(what, "@")
			_, _ = fmt.Sscan(when, &ms)
			switch verb {
			case "ok":
				n.written(nil, at(ms))
				continue
			case "bad":
				n.written(errors.New("no"), at(ms))
				continue
			}
			verb, draining := strings.CutSuffix(verb, "d")
			_, _ = fmt.Sscan(verb, &count)
			write, next := n.update(condition{count, draining}, at(ms))
			got := "-"
			switch {
			case write:
				got = "w"
			case !next.IsZero():
				got = fmt.Sprint(next.Sub(epoch).Milliseconds())
			}
			if got != want {
				t.Errorf("%s: %s: %s, want %s", tt.name, what, got, want)
			}
		}
	}
}
