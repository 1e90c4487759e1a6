package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// fakeAssignment is one assignment's znode. What is in faults happens to the
// sets, one each.
type fakeAssignment struct {
	data    []byte
	zxid    int64 // 0: there is none
	faults  []fault
	sets    int
	version int32
}

func (f *fakeAssignment) Get(context.Context, string) ([]byte, coordinator.Stat, error) {
	if f.zxid == 0 {
		return nil, coordinator.Stat{}, coordinator.ErrNoNode
	}
	return f.data, coordinator.Stat{Czxid: f.zxid, Version: f.version}, nil
}

func (f *fakeAssignment) Set(ctx context.Context, path string, data []byte, version int32) (coordinator.Stat, error) {
	f.sets++
	var next fault
	if len(f.faults) > 0 {
		next, f.faults = f.faults[0], f.faults[1:]
	}
	if errors.Is(next.err, coordinator.ErrBadVersion) { // somebody was faster
		f.version++
		return coordinator.Stat{}, next.err
	}
	if f.zxid != 0 && version != f.version {
		return coordinator.Stat{}, fmt.Errorf("version %d, not %d: %w", f.version, version, coordinator.ErrBadVersion)
	}
	if f.zxid != 0 && (next.err == nil || next.applied) {
		f.data = data
		f.version++
	}
	_, stat, err := f.Get(ctx, path)
	return stat, errors.Join(err, next.err)
}

// Who reads an assignment can tell whether its attempt has begun, if it matters.
func TestMark(t *testing.T) {
	unknown := fmt.Errorf("%w: connection lost", coordinator.ErrUnknownOutcome)
	marked, alone := `{"attempt":2,"lost":1,"started":%d}`, `{"attempt":3,"lost":2,"started":%d,"alone":true}`
	tests := []struct {
		name   string
		data   string
		zxid   int64
		faults []fault
		want   string
		sets   int
		err    error
	}{
		{name: "first run", data: `{"attempt":1}`, zxid: 7, want: `{"attempt":1}`},
		{name: "by hand", zxid: 7},
		{name: "lost once", data: `{"attempt":2,"lost":1}`, zxid: 7, want: marked, sets: 1},
		{name: "suspect", data: `{"attempt":3,"lost":2}`, zxid: 7, want: alone, sets: 1},
		{name: "moved", data: `{"attempt":2,"lost":1}`, err: ErrMoved},
		{name: "moved away and back", data: `{"attempt":2,"lost":1}`, zxid: 8, want: `{"attempt":2,"lost":1}`, err: ErrMoved},
		{name: "written by hand meanwhile", data: `{"attempt":2,"lost":1}`, zxid: 7, want: marked, sets: 2,
			faults: []fault{{coordinator.ErrBadVersion, false}}},
		{name: "answer lost, written", data: `{"attempt":2,"lost":1}`, zxid: 7, faults: []fault{{unknown, true}}, want: marked, sets: 1},
		{name: "answer lost, not written", data: `{"attempt":2,"lost":1}`, zxid: 7, faults: []fault{{unknown, false}}, want: marked, sets: 2},
		{name: "disk full for a while", data: `{"attempt":2,"lost":1}`, zxid: 7, want: marked, sets: 3,
			faults: []fault{{coordinator.ErrTryLater, false}, {coordinator.ErrTryLater, false}}},
		{name: "refused", data: `{"attempt":2,"lost":1}`, zxid: 7, faults: []fault{{coordinator.ErrNoAuth, false}}, sets: 1, err: coordinator.ErrNoAuth},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeAssignment{[]byte(tt.data), tt.zxid, tt.faults, 0, 3}
			a := &attempt{instance: "w", task: taskNumber(1), fence: 7, assigned: coordinator.ParseAssignment([]byte(tt.data))}
			began := time.Now()
			err := mark(t.Context(), f, a)
			if !errors.Is(err, tt.err) || f.sets != tt.sets {
				t.Fatalf("%s: %v by %d sets, want %v by %d", tt.name, err, f.sets, tt.err, tt.sets)
			}
			if err != nil {
				if tt.want != "" && string(f.data) != tt.want {
					t.Errorf("%s: the other assignment has become %s", tt.name, f.data)
				}
				return
			}
			got := coordinator.ParseAssignment(f.data)
			if got.Marked() && got.Started < began.UnixMilli() {
				t.Errorf("%s: started %d, before %d", tt.name, got.Started, began.UnixMilli())
			}
			want := coordinator.ParseAssignment([]byte(strings.Replace(tt.want, "%d", strconv.FormatInt(got.Started, 10), 1)))
			if got != want || a.assigned != want {
				t.Errorf("%s: %+v, attempt has %+v, want %+v", tt.name, got, a.assigned, want)
			}
		})
	}
}

// The end of the session ends waiting for a mark.
func TestMarkEndsWithItsSession(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(coordinator.ErrSessionLost)
	f := &fakeAssignment{nil, 7, []fault{{coordinator.ErrNoServer, false}}, 0, 0}
	a := &attempt{instance: "w", task: taskNumber(1), fence: 7, assigned: coordinator.Assignment{Attempt: 2, Lost: 1}}
	if err := mark(ctx, f, a); err == nil || a.assigned.Started != 0 {
		t.Errorf("mark = %v, attempt has %+v", err, a.assigned)
	}
}
