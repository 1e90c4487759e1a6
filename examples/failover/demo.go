package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/examples/service"
)

// A node is a machine of the demo: a service and its controller.
type node struct {
	name                string
	service, controller *process
}

// A cluster is some nodes whose services share a resource.
type cluster struct {
	out     io.Writer
	dir     string
	res     *resource
	hooks   hooks
	nodes   []node
	timeout time.Duration // of the controllers' sessions
	rng     *rand.Rand
	began   time.Time
	wg      sync.WaitGroup // who supervises processes
}

// demo starts three nodes, lets things befall them and fails if two of them were
// ever active at a time, or none for long.
func demo(ctx context.Context, out io.Writer, servers string, timeout time.Duration, h hooks, rounds int, seed uint64) error {
	cfg, stop, err := service.Open(servers)
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "failover-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := &cluster{
		out: out, dir: dir, res: &resource{dir: dir}, hooks: h, timeout: timeout,
		rng: rand.New(rand.NewPCG(seed, seed)), began: time.Now(),
	}
	defer c.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.say("seed %d", seed)
	for _, name := range []string{"a", "b", "c"} {
		if err := c.start(ctx, cfg, name); err != nil {
			return err
		}
	}
	for n := 1; n <= rounds; n++ {
		if err := c.round(ctx, n); err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
	}
	if _, _, err := c.awaitActive(ctx, ""); err != nil {
		return err
	}
	c.say("%d rounds, active %d times, %d orders came too late and were refused; never two at a time",
		rounds, len(c.res.lines("journal")), len(c.res.lines("refused")))
	return nil
}

// The commands of the demo's controllers. TOY is this program, DIR where the nodes
// are, and NODE the controller's.
var toyHooks = hooks{
	check:    `[ $MW_ROLE = standby ] && MW_FENCE=0; exec "$TOY" tell "$DIR/$NODE" check $MW_FENCE`,
	activate: `exec "$TOY" tell "$DIR/$NODE" active $MW_FENCE`,
	standby:  `exec "$TOY" tell "$DIR/$NODE" standby $MW_FENCE`,
	fence:    `exec "$TOY" fence "$DIR/$MW_NODE" "$DIR" $MW_FENCE`,
}

// start starts a node.
func (c *cluster) start(ctx context.Context, cfg coordinator.Config, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	env := append(os.Environ(), "FAILOVER=1", "GORACE=atexit_sleep_ms=0", "TOY="+self, "DIR="+c.dir, "NODE="+name)
	supervised := func(args ...string) *process {
		p := &process{argv: append([]string{self}, args...), env: env, out: c.out}
		c.wg.Go(func() { p.run(ctx) })
		return p
	}
	c.nodes = append(c.nodes, node{
		name:    name,
		service: supervised("service", dir, c.dir),
		controller: supervised("-node", name,
			"-servers", strings.Join(cfg.Servers, ",")+cfg.Chroot, "-session-timeout", c.timeout.String(),
			"-check", c.hooks.check, "-activate", c.hooks.activate, "-standby", c.hooks.standby, "-fence", c.hooks.fence),
	})
	return nil
}

// A blow is what befalls a node.
type blow struct {
	node                node
	controller, service bool          // who is hit, or both
	nap                 time.Duration // stopped for so long; 0: killed
}

// blow chooses one, mostly for the node that is active.
func (c *cluster) blow(active string) blow {
	b := blow{node: c.nodes[c.rng.IntN(len(c.nodes))], controller: true, service: true}
	if c.rng.IntN(4) > 0 {
		b.node = c.nodes[slices.IndexFunc(c.nodes, func(n node) bool { return n.name == active })]
	}
	switch c.rng.IntN(3) {
	case 0:
		b.service = false
	case 1:
		b.controller = false
	}
	if c.rng.IntN(2) == 0 {
		b.nap = c.timeout/2 + time.Duration(c.rng.Int64N(int64(2*c.timeout)))
	}
	return b
}

func (b blow) String() string {
	who := map[[2]bool]string{{true, false}: "controller", {false, true}: "service", {true, true}: "controller and service"}
	what := "kill -9"
	if b.nap > 0 {
		what = fmt.Sprintf("SIGSTOP for %d ms", b.nap.Milliseconds())
	}
	return fmt.Sprintf("%s to %s of %s", what, who[[2]bool{b.controller, b.service}], b.node.name)
}

func (b blow) signal(sig syscall.Signal) {
	if b.controller {
		b.node.controller.signal(sig)
	}
	if b.service {
		b.node.service.signal(sig)
	}
}

// round waits until a node is active, lets something befall one, and waits for
// what must come of it.
func (c *cluster) round(ctx context.Context, n int) error {
	fence, active, err := c.awaitActive(ctx, "")
	if err != nil {
		return err
	}
	b := c.blow(active)
	c.say("round %d: %s is active; %v", n, active, b)
	if b.nap == 0 {
		b.signal(syscall.SIGKILL)
	} else {
		b.signal(syscall.SIGSTOP)
		defer b.signal(syscall.SIGCONT)
	}
	if c.rng.IntN(2) == 0 { // another one, while they are at it
		next, wait := c.nodes[c.rng.IntN(len(c.nodes))], time.Duration(c.rng.Int64N(int64(2*c.timeout)))
		c.say("   and kill -9 to controller of %s after %d ms", next.name, wait.Milliseconds())
		time.AfterFunc(wait, func() { next.controller.signal(syscall.SIGKILL) })
	}
	switch {
	case b.node.name == active && (b.nap == 0 || b.nap > 2*c.timeout):
		_, _, err = c.awaitActive(ctx, fence) // another: who was stopped wakes beside it
	case b.nap > 0:
		select {
		case <-time.After(b.nap):
		case <-ctx.Done():
		}
	}
	return err
}

// patience is how long no node may be active.
const patience = time.Minute

// awaitActive waits until a node is active, with another number than before. It
// fails when two are, or nobody for too long.
func (c *cluster) awaitActive(ctx context.Context, before string) (fence, name string, err error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if faults := c.res.lines("faults"); len(faults) > 0 {
			return "", "", errors.New(faults[0])
		}
		if journal := c.res.lines("journal"); len(journal) > 0 {
			fence, name, _ = strings.Cut(journal[len(journal)-1], " ")
			if fence != before && c.res.used() {
				return fence, name, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", "", context.Cause(ctx)
		}
	}
	return "", "", fmt.Errorf("nobody is active for %v", patience)
}

func (c *cluster) say(format string, args ...any) {
	fmt.Fprintf(c.out, "%6.1fs  %s\n", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}
