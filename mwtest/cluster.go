package mwtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says what to run. The zero value of a field means its default.
type Config struct {
	// Binary is the mw program. Default: bin/mw of this repository.
	Binary string

	// Dir takes data and logs; the caller removes it. Required.
	Dir string

	// Servers is an existing service to use. Default: Members of our own are
	// started.
	Servers string

	// Members is how many mw servers are started, which together are one service.
	// Default: 1.
	Members int

	// ServerFlags are added to the flags of each mw server.
	ServerFlags []string

	// SessionTimeout is given to every role. Default: 2s.
	SessionTimeout time.Duration
}

// A Cluster is a server or several, masters and workers as processes of this
// machine, on loopback. Its methods may be called from any goroutine.
type Cluster struct {
	cfg     Config
	servers string
	members []*Process // none when the service is somebody else's
	tl      *timeline

	mu        sync.Mutex // protects the fields below
	processes []*Process // everything started, to be killed by Close
	addresses []*Address // of the servers and the masters, to be released by Close
}

// Start makes the cluster and, unless cfg names a service, starts the mw servers
// and waits until they accept connections.
func Start(cfg Config) (*Cluster, error) {
	if cfg.Dir == "" {
		return nil, errors.New("mwtest: Config.Dir is empty")
	}
	cfg.Binary = cmp.Or(cfg.Binary, defaultBinary())
	cfg.SessionTimeout = cmp.Or(cfg.SessionTimeout, 2*time.Second)
	cfg.Members = cmp.Or(cfg.Members, 1)
	if _, err := os.Stat(cfg.Binary); err != nil {
		return nil, fmt.Errorf("mwtest: %w (run make build)", err)
	}
	c := &Cluster{cfg: cfg, servers: cfg.Servers, tl: &timeline{began: time.Now()}}
	if c.servers != "" {
		return c, nil
	}

	if err := c.startMembers(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := c.AwaitServer(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// startMembers starts the mw servers: one alone, or several as one service.
func (c *Cluster) startMembers() error {
	n := c.cfg.Members
	if n < 1 {
		return fmt.Errorf("mwtest: %d members", n)
	}
	clients, peers, err := c.holdMembers(n)
	if err != nil {
		return err
	}
	c.servers = strings.Join(clients, ",")
	for i, addr := range clients {
		name := "server"
		var others []string
		if n > 1 {
			name = fmt.Sprintf("server%d", i+1)
			others = append([]string{"--id", strconv.Itoa(i + 1)}, peers...)
		}
		args := []string{"server", "--listen", addr, "--data", filepath.Join(c.cfg.Dir, name)}
		p, err := c.run(name, slices.Concat(args, others, c.cfg.ServerFlags)...)
		if err != nil {
			return err
		}
		p.Addr = addr
		c.members = append(c.members, p)
	}
	return nil
}

// holdMembers gives n servers addresses for their clients, and the flags that tell
// them where the others are.
func (c *Cluster) holdMembers(n int) (clients, flags []string, err error) {
	for i := range n {
		client, err := c.holdAddress()
		if err != nil {
			return nil, nil, err
		}
		peer, err := c.holdAddress()
		if err != nil {
			return nil, nil, err
		}
		clients = append(clients, client)
		flags = append(flags, "--member", fmt.Sprintf("%d=%s", i+1, peer))
	}
	return clients, flags, nil
}

// Servers is the connect string of the service, with commas if it has several
// members.
func (c *Cluster) Servers() string { return c.servers }

// Members are the mw servers, none when the service is somebody else's.
func (c *Cluster) Members() []*Process { return c.members }

// Server is the only mw server, or the first, or nil when the service is somebody
// else's.
func (c *Cluster) Server() *Process {
	if len(c.members) == 0 {
		return nil
	}
	return c.members[0]
}

// Binary is the mw program in use.
func (c *Cluster) Binary() string { return c.cfg.Binary }

// SessionTimeout is what every role asks for.
func (c *Cluster) SessionTimeout() time.Duration { return c.cfg.SessionTimeout }

// Events is what has happened so far, in order: who was started, killed, paused,
// and who ended by itself.
func (c *Cluster) Events() []Event { return c.tl.list() }

// Note adds an event that a test wants to see among the others.
func (c *Cluster) Note(format string, args ...any) { c.tl.add("", format, args...) }

// StartMaster starts a master whose address, the one it writes to /master, is
// in the Process. It does not wait for it to lead or stand by.
func (c *Cluster) StartMaster(name string) (*Process, error) {
	addr, err := c.holdAddress()
	if err != nil {
		return nil, err
	}
	p, err := c.run(name, "master", "--listen", addr)
	if err != nil {
		return nil, err
	}
	p.Addr = addr
	return p, nil
}

// StartWorker starts a worker. It does not wait for it to register.
func (c *Cluster) StartWorker(name string, slots int) (*Process, error) {
	return c.run(name, "worker", "--name", name, "--slots", strconv.Itoa(slots),
		"--listen", "127.0.0.1:0", "--data", filepath.Join(c.cfg.Dir, name))
}

// AwaitServer waits until the service, all members of it, accepts connections, or
// ctx ends.
func (c *Cluster) AwaitServer(ctx context.Context) error {
	for i, addr := range strings.Split(c.servers, ",") {
		if err := c.awaitMember(ctx, i, addr); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) awaitMember(ctx context.Context, i int, addr string) error {
	for {
		var d net.Dialer
		nc, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return nc.Close()
		}
		if len(c.members) > 0 && !c.members[i].Running() {
			return fmt.Errorf("mwtest: %s ended: see %s", c.members[i].Name, c.members[i].Log)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("mwtest: await server at %s: %w", addr, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Close kills whatever still runs and gives its addresses back. The directory stays.
func (c *Cluster) Close() error {
	c.mu.Lock()
	all, held := c.processes, c.addresses
	c.processes, c.addresses = nil, nil
	c.mu.Unlock()
	var errs []error
	for _, p := range all {
		if p.Running() {
			errs = append(errs, p.Kill())
		}
	}
	for _, a := range held {
		a.Release()
	}
	return errors.Join(errs...)
}

// run starts mw with args under name.
func (c *Cluster) run(name string, args ...string) (*Process, error) {
	argv := append([]string{c.cfg.Binary}, args...)
	p, err := start(c.tl, c.cfg.Dir, name, c.Environ(), argv...)
	if err != nil {
		return nil, fmt.Errorf("mwtest: %w", err)
	}
	c.mu.Lock()
	c.processes = append(c.processes, p)
	c.mu.Unlock()
	return p, nil
}

// Environ is the environment of the cluster's programs: a command line started
// with it talks to this cluster.
func (c *Cluster) Environ() []string {
	env := []string{
		"MW_SERVERS=" + c.servers,
		"MW_SESSION_TIMEOUT=" + c.cfg.SessionTimeout.String(),
		"MW_CONNECT_TIMEOUT=1m", // a server that is started again may be slow
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + c.cfg.Dir,
	}
	if tmp := os.Getenv("TMPDIR"); tmp != "" {
		env = append(env, "TMPDIR="+tmp)
	}
	return env
}

// holdAddress takes an address that stays the cluster's while what listens
// there is killed and started again.
func (c *Cluster) holdAddress() (string, error) {
	a, err := HoldAddress()
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.addresses = append(c.addresses, a)
	c.mu.Unlock()
	return a.String(), nil
}

// defaultBinary is bin/mw in the nearest folder above that holds go.mod.
func defaultBinary() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "bin", "mw")
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return filepath.Join("bin", "mw")
}
