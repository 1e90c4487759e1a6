package master

import (
	"cmp"
	"fmt"
	"net"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// Config says how to run a master. The zero value of a field means its
// default.
type Config struct {
	// Coordinator says how to reach the service.
	Coordinator coordinator.Config

	// Listen is the address of the HTTP server, which is also what the active
	// master writes into /master. Default: 127.0.0.1:0, a free port.
	Listen string

	// Listener is used in place of Listen when it is not nil. The Master
	// closes it.
	Listener net.Listener

	// Retention is how long a finished task stays in the tree. Default: 1 h.
	Retention time.Duration

	// RetainTasks is how many finished tasks stay at most: beyond it the
	// oldest go before their time, but none within its first seconds, so that
	// whoever waits for it can read it. Default: 10,000.
	RetainTasks int

	// MaxLost is how many workers a task may take with it: when so many died
	// while they had it, its status becomes "dead". Default: 5.
	MaxLost int

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Retention < 0:
		return Config{}, fmt.Errorf("master: retention is %v, must not be negative", c.Retention)
	case c.RetainTasks < 0:
		return Config{}, fmt.Errorf("master: tasks to retain is %d, must not be negative", c.RetainTasks)
	case c.MaxLost < 0:
		return Config{}, fmt.Errorf("master: lost attempts allowed is %d, must not be negative", c.MaxLost)
	}
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	c.Retention = cmp.Or(c.Retention, time.Hour)
	c.RetainTasks = cmp.Or(c.RetainTasks, 10_000)
	c.MaxLost = cmp.Or(c.MaxLost, 5)
	return c, nil
}
