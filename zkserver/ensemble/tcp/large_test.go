package tcp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// A command larger than the log's groups are by default goes from a follower to
// the leader, into all logs, and comes back after a power cut of all.
func TestLargeCommandsReachAllMembers(t *testing.T) {
	c := newCluster(t, 3)
	c.largest = 6 << 20
	for i := range 3 {
		c.start(i)
	}
	for i := range 3 {
		<-c.running[i].node.Ready()
	}
	large := strings.Repeat("0123456789abcdef", 5<<20/16)
	for i := range 3 { // two of them do not lead
		c.propose(i, large[i:])
	}
	c.alike(3)
	for i := range 3 {
		c.kill(i)
	}
	for i := range 3 {
		c.start(i)
	}
	c.alike(3)
	tooLarge := make([]byte, 6<<20+64<<10)
	if err := c.running[0].node.Propose(t.Context(), 1, tooLarge); !errors.Is(err, ensemble.ErrTooLarge) {
		t.Errorf("a command above the limit: %v", err)
	}
}
