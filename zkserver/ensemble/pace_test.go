package ensemble

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A slowDisk takes its time for each write.
type slowDisk time.Duration

func (d slowDisk) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(d))
	return len(b), nil
}

func TestSnapshotTakesHalfOfTheTimeUnlessSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, step := range []struct {
			disk  time.Duration
			hurry bool
			want  time.Duration
		}{
			{5 * time.Millisecond, false, 100 * time.Millisecond},
			{5 * time.Millisecond, true, 50 * time.Millisecond},
			{time.Second, false, 10*time.Second + 10*maxRest},
		} {
			start := time.Now()
			w := &pacedWriter{ctx: t.Context(), w: slowDisk(step.disk), hurry: step.hurry, rested: start}
			for range 10 {
				if n, err := w.Write(make([]byte, paceBytes)); n != paceBytes || err != nil {
					t.Fatal(n, err)
				}
			}
			if took := time.Since(start); took != step.want {
				t.Errorf("a disk of %v, hurry %v: took %v, want %v", step.disk, step.hurry, took, step.want)
			}
		}
	})
}

func TestSnapshotEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := errors.New("ended")
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		w := &pacedWriter{ctx: ctx, w: slowDisk(time.Second), rested: start}
		time.AfterFunc(time.Second+maxRest/2, func() { cancel(ended) })
		if _, err := w.Write(make([]byte, paceBytes)); err != nil {
			t.Fatal(err)
		}
		if rested := time.Since(start) - time.Second; rested != maxRest/2 {
			t.Errorf("rested for %v", rested)
		}
		if _, err := w.Write(make([]byte, 1)); !errors.Is(err, ended) {
			t.Error(err)
		}
	})
}
