package boottime_test

import (
	"testing"
	"time"

	"github.com/mwqueue/mw/boottime"
)

// TestAlarmFiresAtItsTime: at the one that was set last, or at once if that is over.
func TestAlarmFiresAtItsTime(t *testing.T) {
	a, err := boottime.NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	begin := boottime.Now()
	for _, at := range []int64{begin + int64(time.Hour), begin + int64(20*time.Millisecond)} {
		if err := a.Set(at); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Wait(); err != nil {
		t.Fatal(err)
	}
	if took := time.Duration(boottime.Now() - begin); took < 20*time.Millisecond || took > time.Minute {
		t.Errorf("fired after %v, set to 20ms", took)
	}
	if err := a.Set(begin); err != nil {
		t.Fatal(err)
	}
	if err := a.Wait(); err != nil {
		t.Errorf("set to what is over: %v", err)
	}
}
