package worker

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A script says what happens at which second; look answers in how many seconds
// to look again, or kill. Slack is 3 s.
func TestGuardWatch(t *testing.T) {
	tests := []struct{ name, script string }{
		{"has nothing to do", "look@1=never"},
		{"answers", "ask@0 1 10; answer@1 1 10; look@5=5s; ask@6 1 16; answer@7 1 16; look@10=6s"},
		{"is stopped", "ask@0 1 10; answer@1 1 10; ask@6 1 16; look@10=3s; look@13=kill"},
		{"never answers", "ask@0 1 10; ask@6 1 16; look@10=3s; look@13=kill"},
		{"kills in time and says so", "ask@0 1 10; answer@1 1 10; look@10=3s; fenced@11 1; look@13=never"},
		{"answers late, but does", "ask@0 1 10; answer@1 1 10; ask@6 1 16; look@10=3s; answer@12 1 16; look@13=3s"},
		{"gets a chance when the machine has slept", "ask@0 1 10; answer@1 1 10; look@9999=3s; look@10002=kill"},
		{"old news do not end the watch", "ask@0 1 10; fenced@1 1; ask@2 2 12; fenced@3 1; look@12=3s"},
		{"an old answer is no answer", "ask@0 1 10; fenced@1 1; ask@2 2 12; answer@3 1 99; look@12=3s"},
	}
	for _, tt := range tests {
		var w guardWatch
		for step := range strings.SplitSeq(tt.script, "; ") {
			what, want, _ := strings.Cut(step, "=")
			var verb string
			var at, session, deadline int64
			_, _ = fmt.Sscan(strings.Replace(what, "@", " ", 1), &verb, &at, &session, &deadline)
			switch verb {
			case "ask":
				w.asked(uint64(session), deadline*1e9, 3*time.Second)
			case "answer":
				w.answered(uint64(session), deadline*1e9)
			case "fenced":
				w.fenced(uint64(session))
			case "look":
				again, kill := w.look(at * 1e9)
				got := again.String()
				switch {
				case kill:
					got = "kill"
				case again == 0:
					got = "never"
				}
				if got != want {
					t.Errorf("%s: %s = %s, want %s", tt.name, what, got, want)
				}
			}
		}
	}
}
