package zkserver

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestRoomForTheCollectorGoesBySize(t *testing.T) {
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, 3200}, {1 << 20, 3200}, {32 << 20, 100}, {64 << 20, 50}, {128 << 20, 25}, {4 << 30, 25},
	} {
		if got := roomFor(tt.live); got != tt.want {
			t.Errorf("%d bytes live: %d percent, want %d", tt.live, got, tt.want)
		}
	}
}

// TestTheCollectorIsSetAfterEachCollection changes the process's setting, as a
// server does that has the process for itself, and puts it back.
func TestTheCollectorIsSetAfterEachCollection(t *testing.T) {
	was := debug.SetGCPercent(100)
	defer debug.SetGCPercent(was)
	c := pauseCollector()
	c.start()
	for round := range 2 {
		debug.SetGCPercent(77)
		deadline := time.Now().Add(30 * time.Second)
		for percent() == 77 { // cleanups run on a goroutine of their own
			if time.Now().After(deadline) {
				t.Fatalf("round %d: nothing was set after a collection", round)
			}
			runtime.GC()
		}
	}
	c.stop()
	if got := percent(); got != 100 {
		t.Errorf("%d percent in the end, want 100 as before", got)
	}
}

// TestTheFirstCollectionWaitsForWhatIsAllocated: none is made at the start, one
// when the room is used up, and from then on a limit that was set holds alone.
func TestTheFirstCollectionWaitsForWhatIsAllocated(t *testing.T) {
	const limit = 1 << 40
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	runtime.GC()
	c := pauseCollector()
	defer c.stop()
	before := collections()
	c.start()
	if n := collections() - before; n > 0 {
		t.Errorf("%d collections at the start", n)
	}
	deadline := time.Now().Add(30 * time.Second)
	allocated := 0 // MiB
	for ; collections() == before; allocated++ {
		if time.Now().After(deadline) {
			t.Fatalf("no collection after %d MiB", allocated)
		}
		garbage = make([]byte, 1<<20)
	}
	if allocated < leastRoom>>23 {
		t.Errorf("a collection after %d MiB", allocated)
	}
	for debug.SetMemoryLimit(-1) != limit { // a cleanup's goroutine sets it, after the room
		if time.Now().After(deadline) {
			t.Fatalf("limit %d after a collection", debug.SetMemoryLimit(-1))
		}
		runtime.Gosched()
	}
	if got := percent(); got < roomPercent {
		t.Errorf("%d percent after a collection", got)
	}
}

var garbage []byte

func collections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

// percent reads the setting.
func percent() int {
	p := debug.SetGCPercent(100)
	debug.SetGCPercent(p)
	return p
}
