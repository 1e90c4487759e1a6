package zkserver

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/session"
)

func decoded(reports ...[]byte) (signs []sign) {
	for _, b := range reports {
		decodeReport(b, func(g sign) { signs = append(signs, g) })
	}
	return signs
}

func TestReportsSayWhoWasHeardAndWhen(t *testing.T) {
	want := []sign{{1, 0}, {-2, time.Second}, {3, 200 * time.Millisecond}}
	for _, limit := range []int{19, 40, 1000} {
		reports := encodeReport(want, limit)
		if got := decoded(reports...); !slices.Equal(got, want) {
			t.Errorf("in reports of %d bytes: %v, want %v", limit, got, want)
		}
		for _, b := range reports {
			if len(b) > limit {
				t.Errorf("report of %d bytes, limit %d", len(b), limit)
			}
		}
	}
	if got := encodeReport(nil, 100); len(got) != 1 {
		t.Errorf("%d reports of nobody, want one", len(got))
	}
}

func FuzzReport(f *testing.F) {
	f.Add(encodeReport([]sign{{1, time.Second}, {2, 0}}, 100)[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		signs := decoded(b)
		if again := decoded(encodeReport(signs, len(b)+100)...); !slices.Equal(again, signs) {
			t.Errorf("%v, want %v", again, signs)
		}
	})
}

func TestEachTermAsLeaderBeginsWithFullTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).replica
		r.sessions.Create(1, 10*time.Second)
		due := func() time.Duration {
			at, _ := r.live.deadline(session.ID(1))
			return time.Until(at)
		}
		if r.lead(2, time.Now()) {
			t.Error("a term whose first entry is not applied has begun")
		}
		r.lead(1, time.Now())
		time.Sleep(4 * time.Second)
		r.lead(1, time.Now())
		if got := due(); got != 6*time.Second {
			t.Errorf("later in the term the session has %v, want 6s", got)
		}
		r.term = 2
		r.lead(2, time.Now())
		if got := due(); got != 10*time.Second {
			t.Errorf("in the next term the session has %v, want 10s", got)
		}
	})
}
