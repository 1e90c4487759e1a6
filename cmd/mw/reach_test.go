package main

import (
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// Closing a session waits a second for the answer.
func TestServiceThatIsSlowToConfirmIsReached(t *testing.T) {
	t.Parallel()
	proxy := zktest.NewProxy(t, zktest.NewServer(t).Addr())
	proxy.SetDelay(600*time.Millisecond, 600*time.Millisecond)
	cfg := coordinator.Config{Servers: []string{proxy.Addr()}, SessionTimeout: 40 * time.Second}
	if err := visit(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}
