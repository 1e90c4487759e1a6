package wal

import "syscall"

// Datasync calls fdatasync(2). Only an interrupted call is made again: after
// EIO a second call may succeed without the data being on the disk.
func (f osFile) Datasync() error {
	fd := int(f.Fd())
	for {
		err := syscall.Fdatasync(fd)
		if err != syscall.EINTR {
			return err
		}
	}
}
