package wal

// FS is the part of a file system the log needs.
type FS interface{}
