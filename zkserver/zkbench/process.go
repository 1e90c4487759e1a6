package zkbench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
)

// A kind is one of the two servers.
type kind struct {
	name  string
	start func(s *server) *exec.Cmd
}

var (
	ours = kind{"mw", func(s *server) *exec.Cmd {
		args := []string{"server", "--data", filepath.Join(s.dir, "data"), "--listen", s.addr(), "--log-level", "warn",
			"--set", "maxCnxns=20000", "--set", "maxClientCnxns=20000"}
		for _, line := range s.settings {
			args = append(args, "--set", line)
		}
		return exec.Command(s.cfg.Program, args...)
	}}
	apache = kind{"Apache", func(s *server) *exec.Cmd {
		lines := append([]string{"dataDir=" + filepath.Join(s.dir, "data"), "clientPort=" + s.port, "clientPortAddress=127.0.0.1",
			"admin.enableServer=false", "maxClientCnxns=0", ""}, s.settings...)
		file := filepath.Join(s.dir, "zoo.cfg")
		_ = os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600) // the server says what is wrong
		cmd := exec.Command(s.cfg.Apache, "start-foreground", file)
		cmd.Env = append(os.Environ(), "ZOO_LOG_DIR="+s.dir)
		return cmd
	}}
)

// A server is one process, or group of processes, that serves.
type server struct {
	kind kind
	cfg  Config
	dir  string
	port string
	cmd  *exec.Cmd

	// settings are lines of a zoo.cfg that both kinds understand.
	settings []string
}

// startServer starts a server on a new directory, with settings if there are
// any, and waits until it answers.
func startServer(ctx context.Context, k kind, cfg Config, settings ...string) (*server, error) {
	dir, err := os.MkdirTemp(cfg.Dir, "zkbench-"+k.name+"-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{kind: k, cfg: cfg, dir: dir, port: port, settings: settings}
	if _, err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func (s *server) addr() string    { return "127.0.0.1:" + s.port }
func (s *server) addrs() []string { return []string{s.addr()} }
func (s *server) String() string  { return s.kind.name }

// start runs the process and gives the time to the first answer to a request.
func (s *server) start(ctx context.Context) (time.Duration, error) {
	s.cmd = s.kind.start(s)
	out, err := os.OpenFile(filepath.Join(s.dir, "out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", s.kind.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := s.answer(ctx); err != nil {
		text, _ := os.ReadFile(filepath.Join(s.dir, "out"))
		return 0, fmt.Errorf("%s does not answer: %w\n%s", s.kind.name, err, text[max(0, len(text)-2000):])
	}
	return time.Since(began), nil
}

// answer waits for an answer to a read.
func (s *server) answer(ctx context.Context) error {
	for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) { // not a test: real time is what is measured
		nc, err := net.Dial("tcp", s.addr())
		if err != nil {
			continue
		}
		nc.Close()
		c, err := client.Dial(ctx, client.Config{Servers: []string{s.addr()}})
		if err != nil {
			continue
		}
		_, err = c.Exists(ctx, "/zookeeper", false)
		c.Close()
		if err == nil {
			return nil
		}
	}
	return context.Cause(ctx)
}

// stop ends the process as an operator would.
func (s *server) stop() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(done) }() // ends with the process
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
	s.cmd = nil
}

// remove stops the server and removes its files.
func (s *server) remove() error {
	s.stop()
	return os.RemoveAll(s.dir)
}

// usage is what the processes of a server take.
type usage struct {
	cpu      time.Duration // user and system, since they started
	resident int64         // bytes
}

// usage adds up the process group: the script that starts Apache ZooKeeper may
// be a process of its own.
func (s *server) usage() (usage, error) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return usage{}, fmt.Errorf("CPU and memory of a process are known on Linux only: %w", err)
	}
	var sum usage
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		if group, err := syscall.Getpgid(pid); err != nil || group != s.cmd.Process.Pid {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", p.Name(), "stat"))
		if err != nil {
			continue
		}
		// Behind the name in parentheses: state is field 3, utime 14, stime 15
		// (in ticks of 1/100 s), rss 24 (in pages); see proc(5).
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 22 {
			continue
		}
		number := func(field int) int64 {
			n, _ := strconv.ParseInt(fields[field-3], 10, 64)
			return n
		}
		sum.cpu += time.Duration(number(14)+number(15)) * 10 * time.Millisecond
		sum.resident += number(24) * int64(os.Getpagesize())
	}
	return sum, nil
}
