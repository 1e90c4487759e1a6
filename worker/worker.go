package worker

import (
	"context"
	"net"
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

	// Dir holds the outputs and the scratch directories. One worker at a time
	// may use it. It is created when missing. There is no default.
	Dir string

	// Listen is the address of the HTTP server. Default: 127.0.0.1:0.
	Listen string

	// OutputLimit is how many bytes of each stream of an attempt are kept on
	// disk; what is more is dropped, its end excepted, which goes into the
	// attempt's record. Default: 10 MiB.
	OutputLimit int64

	// OutputTotal is how many bytes the kept outputs may take together: the
	// oldest are removed first. Default: 1 GiB.
	OutputTotal int64

	// OutputAge is how long an output is kept. Default: 24 h.
	OutputAge time.Duration

	// StopGrace is how long a command may go on after SIGTERM, before SIGKILL.
	// Default: 10 s.
	StopGrace time.Duration

	// Handlers run tasks that name one of them, in this process.
	Handlers map[string]Handler

	// Guard is the command line that starts the guard process, whose main is
	// [RunGuard]. A worker without one runs handlers only.
	Guard []string

	// Env is the environment commands start from, as "NAME=value". Default:
	// PATH, HOME, LANG, USER and TMPDIR of this process.
	Env []string

	// Version is shown in the worker's registration.
	Version string

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger
}

// Worker runs tasks.
type Worker struct {
	cfg Config
}

// New takes the directory and the port. The caller must call Run.
func New(cfg Config) (*Worker, error) { panic("todo") }

// Addr is where the worker serves HTTP.
func (w *Worker) Addr() net.Addr { panic("todo") }

// Run registers the worker and runs what it is assigned, over as many sessions
// as it takes.
func (w *Worker) Run(ctx context.Context, drain <-chan struct{}) error { panic("todo") }
