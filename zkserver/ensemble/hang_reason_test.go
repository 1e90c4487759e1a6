package ensemble

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Not all that takes long to end is a disk, and why the threads were to end is not
// forgotten.
func TestAThreadThatDoesNotEndIsNotCalledADiskFailure(t *testing.T) {
	failed := errors.New("failed")
	for _, tt := range []struct {
		ends time.Duration // after the others were told to
		want error
	}{{time.Second, failed}, {hangLimit + hungExit/2, failed}, {2 * hangLimit, ErrHangs}} {
		synctest.Test(t, func(t *testing.T) {
			threads, cancel := context.WithCancelCause(t.Context())
			cancel(failed)
			h := &hang{behind: func() bool { return false }}
			err := h.wait(threads, cancel, func() error {
				time.Sleep(tt.ends)
				return failed
			})
			if !errors.Is(err, tt.want) || !errors.Is(err, failed) || errors.Is(err, ErrDisk) {
				t.Errorf("a thread ended after %v: %v", tt.ends, err)
			}
			time.Sleep(tt.ends) // what was left behind ends
		})
	}
}
