//go:build !linux

package boottime

import "time"

// Now reads the clock, in nanoseconds.
func Now() int64 { return time.Now().Round(0).UnixNano() }

// An Alarm wakes one goroutine at a time of the clock. It lives as long as its
// process.
type Alarm struct{ timer *time.Timer }

// NewAlarm gives an alarm that is not set.
func NewAlarm() (*Alarm, error) {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &Alarm{t}, nil
}

// Set replaces the time, in nanoseconds of the clock that [Now] reads, at which the
// alarm fires.
func (a *Alarm) Set(at int64) error {
	a.timer.Reset(time.Duration(at - Now()))
	return nil
}

// Wait blocks until the alarm has fired.
func (a *Alarm) Wait() error {
	<-a.timer.C
	return nil
}
