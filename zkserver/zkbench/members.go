package zkbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// members is the size of an ensemble.
const members = 3

// An ensemble is three servers of one kind that are one service.
type ensemble struct {
	kind    kind
	members []*server
}

// A place is where a member meets its clients and the others.
type place struct{ client, peer, election string } // ports

// ensembleKinds start a member of an ensemble: that of the number, from 1.
var ensembleKinds = []func(number int, places []place) kind{oursOfThree, apacheOfThree}

func oursOfThree(number int, places []place) kind {
	return kind{ours.name, func(s *server) *exec.Cmd {
		args := []string{"server", "--id", fmt.Sprint(number), "--data", filepath.Join(s.dir, "data"), "--listen", s.addr(), "--log-level", "info",
			"--set", "maxCnxns=20000", "--set", "maxClientCnxns=20000"}
		for i, p := range places {
			args = append(args, "--member", fmt.Sprintf("%d=127.0.0.1:%s", i+1, p.peer))
		}
		return exec.Command(s.cfg.Program, args...)
	}}
}

// apacheOfThree takes the limits from Debian's own zoo.cfg.
func apacheOfThree(number int, places []place) kind {
	return kind{apache.name, func(s *server) *exec.Cmd {
		s.settings = []string{"tickTime=2000", "initLimit=10", "syncLimit=5", "4lw.commands.whitelist=srvr"}
		for i, p := range places {
			s.settings = append(s.settings, fmt.Sprintf("server.%d=127.0.0.1:%s:%s", i+1, p.peer, p.election))
		}
		data := filepath.Join(s.dir, "data")
		_ = os.MkdirAll(data, 0o700) // the server says what is wrong
		_ = os.WriteFile(filepath.Join(data, "myid"), fmt.Append(nil, number), 0o600)
		return apache.start(s)
	}}
}

// startEnsemble starts three servers and waits until all of them answer.
func startEnsemble(ctx context.Context, kind func(int, []place) kind, cfg Config) (*ensemble, error) {
	places := make([]place, members)
	for i := range places {
		for _, port := range []*string{&places[i].client, &places[i].peer, &places[i].election} {
			var err error
			if *port, err = lowPort(); err != nil {
				return nil, err
			}
		}
	}
	e := &ensemble{}
	g, starting := errgroup.WithContext(ctx)
	for i, p := range places {
		k := kind(i+1, places)
		dir, err := os.MkdirTemp(cfg.Dir, fmt.Sprintf("zkbench-%s-%d-", k.name, i+1))
		if err != nil {
			return nil, errors.Join(err, e.remove())
		}
		s := &server{kind: k, cfg: cfg, dir: dir, port: p.client}
		e.kind, e.members = k, append(e.members, s)
		g.Go(func() error { _, err := s.start(starting); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, errors.Join(err, e.remove())
	}
	return e, nil
}

// nextPort is the port that lowPort tries next.
var nextPort atomic.Int32

func init() { nextPort.Store(10_000 + rand.Int32N(20_000)) }

// lowPort finds a free port below those that the system gives out by itself, so
// that nobody gets it while a member that was killed is started again.
func lowPort() (string, error) {
	var err error
	for range 100 {
		port := fmt.Sprint(nextPort.Add(1))
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", err
}

func (e *ensemble) String() string { return e.kind.name }

func (e *ensemble) addrs() []string {
	var all []string
	for _, s := range e.members {
		all = append(all, s.addr())
	}
	return all
}

// usage is that of all members.
func (e *ensemble) usage() (usage, error) {
	var sum usage
	for _, s := range e.members {
		u, err := s.usage()
		if err != nil {
			return sum, err
		}
		sum.cpu += u.cpu
		sum.resident += u.resident
	}
	return sum, nil
}

func (e *ensemble) remove() error {
	var errs []error
	for _, s := range e.members {
		errs = append(errs, s.remove())
	}
	return errors.Join(errs...)
}

// roles waits until there is a leader and everybody else follows it.
func (e *ensemble) roles(ctx context.Context) (leader *server, followers []*server, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for ; ctx.Err() == nil; wait(ctx, 20*time.Millisecond) {
		leader, followers = nil, nil
		for _, s := range e.members {
			switch mode(ctx, s.addr()) {
			case "leader":
				leader = s
			case "follower":
				followers = append(followers, s)
			}
		}
		if leader != nil && len(followers) == len(e.members)-1 {
			return leader, followers, nil
		}
	}
	return nil, nil, fmt.Errorf("%v has no leader with followers: %w", e, context.Cause(ctx))
}

// mode is what a server says that it is, or "".
func mode(ctx context.Context, addr string) string {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(c, "srvr") // an error shows in what is read
	b, _ := io.ReadAll(c)
	for line := range strings.Lines(string(b)) {
		if m, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(m)
		}
	}
	return ""
}

// The followers of an ensemble are a target of their own.
type followers struct {
	*ensemble
	all []*server
}

func (f followers) addrs() []string { return (&ensemble{members: f.all}).addrs() }

// kill ends the process as kill -9 does, and returns when it is gone.
func (s *server) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait() // always "killed"
	s.cmd = nil
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
