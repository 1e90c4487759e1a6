package wal

import (
	"cmp"
	"time"
)

// Options says where a log lives and how. The zero value of a field means its
// default.
type Options struct {
	// Dir is the data directory. It is made if it is not there.
	Dir string

	// FS is the file system. Default: [OS].
	FS FS

	// SegmentBytes is the size of a segment file, which is allocated and
	// zero-filled ahead. Default: 16 MiB.
	SegmentBytes int64

	// MaxGroupBytes limits what one Append writes, and so what a torn tail may
	// have destroyed. It is rounded up to whole sectors. Default: 4 MiB, and never
	// more than a segment holds.
	MaxGroupBytes int64

	// SpareSegments is how many segments that are no longer needed are kept to
	// be written again. Default: 4.
	SpareSegments int

	// WatermarkEvery is how often the watermark is written while the log
	// grows. Default: 1s. A negative value means at every Append.
	WatermarkEvery time.Duration

	// Identity gives the owner's lines of the identity file when the directory
	// is new: text, each line ended by a newline. Later [Log.Identity] has it.
	Identity func() []byte
}

func (o Options) withDefaults() Options {
	o.FS = cmp.Or(o.FS, OS)
	o.SegmentBytes = max(4<<10, int64(padded(int(cmp.Or(o.SegmentBytes, 16<<20)))))
	o.MaxGroupBytes = min(int64(padded(int(cmp.Or(o.MaxGroupBytes, 4<<20)))), o.SegmentBytes-sector)
	o.SpareSegments = cmp.Or(o.SpareSegments, 4)
	o.WatermarkEvery = cmp.Or(o.WatermarkEvery, time.Second)
	return o
}
