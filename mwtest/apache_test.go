package mwtest_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/mwtest"
)

// Debian's package zookeeper puts its programs here.
const (
	zkServerPath = "/usr/share/zookeeper/bin/zkServer.sh"
	zkCliPath    = "/usr/share/zookeeper/bin/zkCli.sh"
)

// needApache makes sure that Apache ZooKeeper is installed. `make interop`
// sets MW_INTEROP and gets it installed or a failure; without it the test is
// skipped, and says so, where the package is missing.
func needApache(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(zkCliPath); err == nil {
		return
	}
	if os.Getenv("MW_INTEROP") == "" {
		t.Skip("Debian's package zookeeper is not installed (make interop installs it); not tested: Apache ZooKeeper")
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "zookeeper", "default-jre-headless"}} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("apt-get %s: %v\n%s", args, err, out)
		}
	}
}

// startApache starts a standalone Apache ZooKeeper with our default tick and
// returns its address.
func startApache(t *testing.T) string {
	t.Helper()
	needApache(t)
	dir := t.TempDir()
	held := must(mwtest.HoldAddress())(t)
	t.Cleanup(held.Release)
	addr := held.String()
	_, port, _ := net.SplitHostPort(addr)
	cfg := filepath.Join(dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=500\ndataDir=%s/data\nclientPort=%s\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n", dir, port)
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(zkServerPath, "start-foreground", cfg)
	cmd.Env = append(os.Environ(), "ZOO_LOG_DIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	await(t, ctx, "Apache ZooKeeper to listen", func() bool {
		nc, err := net.Dial("tcp", addr)
		if err == nil {
			nc.Close()
		}
		return err == nil
	})
	return addr
}

// onEach runs a test on our server and on Apache ZooKeeper.
func onEach(t *testing.T, test func(*testing.T, mwtest.Config)) {
	t.Run("mw server", func(t *testing.T) { test(t, mwtest.Config{}) })
	t.Run("Apache ZooKeeper", func(t *testing.T) { test(t, mwtest.Config{Servers: startApache(t)}) })
}

// A shell is a person at zkCli.sh.
type shell struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   *os.File
	read int // how much of the output has been looked at

	mu  sync.Mutex // protects out
	out bytes.Buffer
}

// openShell starts zkCli.sh and waits until it is connected.
func openShell(t *testing.T, servers string) *shell {
	t.Helper()
	needApache(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	sh := &shell{t: t, in: w, cmd: exec.Command(zkCliPath, "-server", servers)}
	sh.cmd.Stdin, sh.cmd.Stdout, sh.cmd.Stderr = r, sh, sh
	sh.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := sh.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(sh.kill)
	sh.expect("state:SyncConnected type:None")
	return sh
}

// Write collects what zkCli.sh prints.
func (sh *shell) Write(p []byte) (int, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.out.Write(p)
}

// do types a command and waits for the answer that matches want.
func (sh *shell) do(command, want string) string {
	sh.t.Helper()
	fmt.Fprintln(sh.in, command)
	return sh.expect(want)
}

// expect waits until output that has not been looked at matches want, a
// regular expression, and returns its first group, or all of it.
func (sh *shell) expect(want string) string {
	sh.t.Helper()
	re := regexp.MustCompile(want)
	deadline := time.Now().Add(3 * time.Minute)
	for {
		sh.mu.Lock()
		text := sh.out.String()
		sh.mu.Unlock()
		if m := re.FindStringSubmatchIndex(text[sh.read:]); m != nil {
			found := text[sh.read:][m[len(m)-2]:m[len(m)-1]]
			sh.read += m[1]
			return found
		}
		if time.Now().After(deadline) {
			sh.t.Fatalf("zkCli.sh never printed %q; it printed:\n%s", want, strings.TrimSpace(text[sh.read:]))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// quit ends the session as a person does.
func (sh *shell) quit() {
	sh.t.Helper()
	fmt.Fprintln(sh.in, "quit")
	sh.in.Close()
	sh.cmd.Wait()
}

// kill ends the program and leaves its session to expire.
func (sh *shell) kill() {
	syscall.Kill(-sh.cmd.Process.Pid, syscall.SIGKILL)
	sh.in.Close()
	sh.cmd.Wait()
}
