package zkserver

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// The tree is most of the heap and lives long, so that the collector's usual
// room, as much again as what lives, would double the memory of a large tree;
// and a small one would be collected all the time. Room is made by size.
const (
	leastRoom   = 32 << 20 // bytes that may be allocated between two collections
	roomPercent = 25       // of what lives, if that is more
)

// A collector sets the room of the garbage collector after each collection. It
// is for the whole process: [Config.OwnProcess].
type collector struct {
	before int   // what to set again
	limit  int64 // on memory; what to set again

	mu   sync.Mutex // held while setting; protects over
	over bool
}

// pauseCollector begins with no collection at all, for loading a snapshot:
// nothing of it becomes garbage.
func pauseCollector() *collector {
	return &collector{before: debug.SetGCPercent(-1), limit: debug.SetMemoryLimit(-1)}
}

// start ends the pause. The first collection is not now, when clients wait for
// the server and the log is yet to be applied, but when as much has been
// allocated as there may be between two. How much lives is not known before, so
// it takes a limit on all memory.
func (c *collector) start() {
	m := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(m)
	objects, held := m[0].Value.Uint64(), m[1].Value.Uint64()-m[2].Value.Uint64()
	debug.SetMemoryLimit(min(c.limit, int64(held+objects/100*uint64(roomFor(objects)))))
	c.watch()
}

// stop sets what was there before.
func (c *collector) stop() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over = true
		debug.SetMemoryLimit(c.limit)
		debug.SetGCPercent(c.before)
	}
}

// watch calls adjust after the next collection, which finds the object that
// nobody holds.
func (c *collector) watch() {
	runtime.AddCleanup(new([16]byte), func(c *collector) {
		if c.adjust() {
			c.watch()
		}
	}, c)
}

// adjust sets the room, and reports false when it is over.
func (c *collector) adjust() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(roomFor(live[0].Value.Uint64()))
	debug.SetMemoryLimit(c.limit)
	return true
}

// roomFor gives the percentage for a heap of which so many bytes live.
func roomFor(live uint64) int {
	const most = 3200 // of the first MiB
	return max(roomPercent, int(min(most, leastRoom*100/max(live, 1))))
}
