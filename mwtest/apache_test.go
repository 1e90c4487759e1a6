package mwtest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/zkserver/reference"
)

// startApache starts a standalone Apache ZooKeeper that syncs every write, as it
// does by default, and returns its address.
func startApache(t *testing.T) string {
	t.Helper()
	reference.Need(t)
	return reference.Start(t, "forceSync=yes").Addr()
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
	reference.Need(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	sh := &shell{t: t, in: w, cmd: exec.Command(reference.Shell, "-server", servers)}
	sh.cmd.Stdin, sh.cmd.Stdout, sh.cmd.Stderr = r, sh, sh
	sh.cmd.Env = append(os.Environ(), "JVMFLAGS="+reference.JVMFlags)
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
