package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/reference"
)

func TestContendersAreServedInOrder(t *testing.T) { servedInOrder(t, "") }

func TestInteropContendersAreServedInOrder(t *testing.T) {
	reference.Need(t)
	servedInOrder(t, reference.Start(t).Addr()+"/chroot")
}

func servedInOrder(t *testing.T, servers string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer // written to by who holds the lock, or by demo before anyone does
	if err := demo(ctx, &out, servers); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("\n%s", &out)
	held, last := 0, int64(0)
	for line := range strings.Lines(out.String()) {
		var n int
		var fence int64
		if _, err := fmt.Sscanf(line, "contender %d holds the lock, with fence %d", &n, &fence); err != nil {
			continue
		}
		held++
		if n != held || fence <= last {
			t.Errorf("place %d: contender %d with fence %d after %d", held, n, fence, last)
		}
		last = fence
	}
	if held != contenders {
		t.Errorf("%d held the lock, want %d", held, contenders)
	}
}
