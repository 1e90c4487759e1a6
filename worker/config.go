package worker

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/rs/zerolog"
)

// Config says how to run a worker. The zero value of a field means its
// default.
type Config struct {
	// Coordinator says how to reach the service.
	Coordinator coordinator.Config

	// Name names the worker; each registration adds a suffix of its own.
	// Default: the host name.
	Name string

	// Slots is how many tasks run at once. Default: runtime.GOMAXPROCS(0).
	Slots int

	// Labels are shown in the worker's registration.
	Labels map[string]string

	// Dir holds outputs and scratch directories. One worker at a time may use
	// it. It is made if need be. There is no default.
	Dir string

	// Listen is the address of the HTTP server. Who can reach it can read what
	// tasks print. Default: 127.0.0.1:0.
	Listen string

	// OutputLimit is how many bytes of each stream of an attempt are kept on
	// disk: the first ones, with nothing added. The rest is dropped, but for
	// its end, which is part of the attempt's record, as is the length of the
	// whole. Default: 10 MiB.
	OutputLimit int64

	// OutputTotal is how many bytes the outputs of ended attempts may take
	// together; the oldest are removed first. Default: 1 GiB.
	OutputTotal int64

	// OutputAge is how long an output is kept after its attempt has ended.
	// Default: 24 h.
	OutputAge time.Duration

	// StopGrace is how long a command that is to end may go on after SIGTERM,
	// before SIGKILL. Default: 10 s.
	StopGrace time.Duration

	// Handlers run the tasks that name one of them, in this process.
	Handlers map[string]Handler

	// Guard is the command line of a program that calls [RunGuard]. A worker
	// without one runs handlers only.
	Guard []string

	// Env is the environment commands start from, as "NAME=value". Default:
	// this process's PATH, HOME, LANG, USER and TMPDIR.
	Env []string

	// Version is shown in the worker's registration.
	Version string

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Name == "" {
		name, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("worker: find the host's name: %w", err)
		}
		c.Name = name
	}
	c.Slots = cmp.Or(c.Slots, runtime.GOMAXPROCS(0))
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	c.OutputLimit = cmp.Or(c.OutputLimit, 10<<20)
	c.OutputTotal = cmp.Or(c.OutputTotal, 1<<30)
	c.OutputAge = cmp.Or(c.OutputAge, 24*time.Hour)
	c.StopGrace = cmp.Or(c.StopGrace, 10*time.Second)
	if c.Env == nil {
		c.Env = passedOn("PATH", "HOME", "LANG", "USER", "TMPDIR")
	}
	switch {
	case strings.ContainsAny(c.Name, "/\x00") || c.Name == "." || c.Name == "..":
		return c, fmt.Errorf("worker: %q cannot name a znode", c.Name)
	case c.Slots < 1:
		return c, fmt.Errorf("worker: %d slots: must be at least 1", c.Slots)
	case c.OutputLimit < 0 || c.OutputTotal < 0 || c.OutputAge < 0 || c.StopGrace < 0:
		return c, errors.New("worker: a limit is negative")
	case c.Dir == "":
		return c, errors.New("worker: no directory given")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("worker: %w", err)
	}
	c.Dir = dir
	return c, nil
}
