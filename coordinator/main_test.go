package coordinator_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every session of every test must have left nothing behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
