//go:build unix && !linux

package wal

// Datasync uses fsync, which Go makes F_FULLFSYNC on macOS.
func (f osFile) Datasync() error { return f.Sync() }
