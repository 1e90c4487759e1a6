package coordinator_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Every session of every test must have left nothing behind. A process that a
// test started of this program is the holder of a lock; see holdUntilLost.
func TestMain(m *testing.M) {
	if servers := os.Getenv(holderServers); servers != "" {
		os.Exit(holdUntilLost(servers))
	}
	goleak.VerifyTestMain(m)
}
