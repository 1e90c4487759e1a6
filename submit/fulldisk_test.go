package submit_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/zktest"
	"github.com/rs/zerolog"
)

// While the server's disk is full a submit is tried again, and one line says
// so; it used to be refused for good.
func TestSubmitWaitsWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.New(1)
		server := zktest.NewServer(t, zktest.OnDisk(disk), zktest.InMemory)
		var log bytes.Buffer
		c, err := submit.Open(submit.Config{
			Coordinator: coordinator.Config{SessionTimeout: 10 * time.Second, Dial: server.Dial, Servers: []string{"memory:1"}},
			Log:         zerolog.New(&log),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		disk.SetCapacity(1)
		before := fill(t, c)

		submitted := make(chan error, 1)
		go func() {
			_, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true"})
			submitted <- err
		}()
		time.Sleep(20 * time.Second)
		select {
		case err := <-submitted:
			t.Fatalf("submit on a full disk: %v", err)
		default:
		}
		disk.SetCapacity(1 << 30)
		if err := <-submitted; err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "service takes no requests for now"); n != 1 {
			t.Errorf("logged %d times that it waits, want once:\n%s", n, log.String())
		}
		l, err := c.Tasks(t.Context(), submit.Query{})
		if err != nil || l.Total != before+1 {
			t.Errorf("%d tasks (%v), want %d", l.Total, err, before+1)
		}
	})
}

// fill submits large tasks until there is no more room, and returns how many
// went in.
func fill(t *testing.T, c *submit.Client) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	large := coordinator.Spec{Shell: "true", Name: strings.Repeat("x", 400<<10)}
	for n := 0; ; n++ {
		_, err := c.Submit(ctx, large)
		if errors.Is(err, coordinator.ErrTryLater) {
			if _, err := c.Tasks(t.Context(), submit.Query{}); err != nil {
				t.Errorf("a read on a full disk: %v", err)
			}
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
