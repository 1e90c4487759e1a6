package zkbench

import (
	"cmp"
	"fmt"
	"os"
	"time"
)

// Config says what to measure. The zero value of a field means its default.
type Config struct {
	// Program is the mw to run as "mw server". Must be set.
	Program string

	// Apache is the zkServer.sh of Apache ZooKeeper. Default: where Debian's
	// package has it.
	Apache string

	// Alone leaves Apache ZooKeeper out: no ratios.
	Alone bool

	// Rounds is how often each row is measured on each server. Default: 3.
	Rounds int

	// Time is how long a row is measured in a round. Default: 2s.
	Time time.Duration

	// Znodes is the size of the large tree. Default: 1,000,000; negative: not
	// measured.
	Znodes int

	// Watchers is how many connections hear of one change. Default: 10,000;
	// negative: not measured.
	Watchers int

	// Rows limits the rows to those of the named operations. Default: all.
	Rows []string

	// Dir takes the servers' data; it should be on the disk that is to be
	// measured. Default: a temporary directory, which is removed.
	Dir string
}

// debianServer is where Debian's package zookeeper has the program.
const debianServer = "/usr/share/zookeeper/bin/zkServer.sh"

func (c Config) withDefaults() (Config, error) {
	if c.Program == "" {
		return c, fmt.Errorf("zkbench: no program to measure")
	}
	if c.Rounds < 0 || c.Time < 0 {
		return c, fmt.Errorf("zkbench: %d rounds of %v: neither may be negative", c.Rounds, c.Time)
	}
	c.Apache = cmp.Or(c.Apache, debianServer)
	c.Rounds = cmp.Or(c.Rounds, 3)
	c.Time = cmp.Or(c.Time, 2*time.Second)
	c.Znodes = cmp.Or(c.Znodes, 1_000_000)
	c.Watchers = cmp.Or(c.Watchers, 10_000)
	if !c.Alone {
		if _, err := os.Stat(c.Apache); err != nil {
			return c, fmt.Errorf("zkbench: Apache ZooKeeper is not there (%w): install Debian's package zookeeper, or measure without it", err)
		}
	}
	return c, nil
}
