package boottime

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Now reads the clock, in nanoseconds.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("boottime: no CLOCK_BOOTTIME: " + err.Error()) // there since Linux 2.6.39
	}
	return ts.Nano()
}

// An Alarm wakes one goroutine at a time of the clock, or at once if the machine
// slept through it. It lives as long as its process.
type Alarm struct{ f *os.File }

// NewAlarm gives an alarm that is not set.
func NewAlarm() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("create timer: %w", err)
	}
	return &Alarm{os.NewFile(uintptr(fd), "alarm")}, nil
}

// Set replaces the time, in nanoseconds of the clock that [Now] reads, at which the
// alarm fires.
func (a *Alarm) Set(at int64) error {
	conn, err := a.f.SyscallConn()
	if err != nil {
		return err
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(at, 1))} // 0 would disarm it
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &spec, nil)
	})
	if err != nil {
		return err
	}
	return failed
}

// Wait blocks until the alarm has fired.
func (a *Alarm) Wait() error {
	var expirations [8]byte
	_, err := a.f.Read(expirations[:])
	return err
}
