package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// underLock is what the commands of these tests do. Each takes a lock of the file
// system, too, by which it finds out that it is not alone, and starts a process
// that leaves its session and its parent and holds that as well. TERM does nothing
// to it but to be noted.
const underLock = `exec 9>>alone; flock -n 9 || echo "two at once" >> faults
trap 'echo TERM >> signals' TERM; trap 'echo INT >> signals' INT
(setsid sleep 600 &) ; echo $MW_FENCE >> fences; echo $PPID > guard
while :; do sleep 0.02; done`

// lockTest runs mw lock as real processes.
type lockTest struct {
	t    *testing.T
	mw   string // the program
	dir  string // where the commands run
	addr string // of the service
}

func newLockTest(t *testing.T, addr string) *lockTest {
	t.Helper()
	l := &lockTest{t: t, dir: t.TempDir(), addr: addr}
	l.mw = filepath.Join(t.TempDir(), "mw")
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	copied, err := os.OpenFile(l.mw, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(copied, self)
	if err := errors.Join(err, copied.Close()); err != nil {
		t.Fatal(err)
	}
	return l
}

// A lockRun is one mw lock.
type lockRun struct {
	*exec.Cmd
	t      *testing.T
	stderr bytes.Buffer  // read once ended is closed
	ended  chan struct{} // closed when it has ended
}

// start runs underLock through the service at addr. It is killed with the test,
// and its guard kills the rest.
func (l *lockTest) start(addr, timeout string) *lockRun {
	l.t.Helper()
	r := &lockRun{
		Cmd: exec.Command(l.mw, "--servers", addr, "--session-timeout", timeout, "lock", "job", "--", "sh", "-c", underLock),
		t:   l.t, ended: make(chan struct{}),
	}
	r.Dir, r.Stderr = l.dir, &r.stderr
	r.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.WaitDelay = 10 * time.Second
	if err := r.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() { // ends with the process
		defer close(r.ended)
		_ = r.Wait()
	}()
	l.t.Cleanup(func() { _ = r.Process.Kill(); <-r.ended })
	return r
}

// begin is start, and returns when the command runs. On a machine that is busy a
// short session may be lost before.
func (l *lockTest) begin(addr, timeout string) *lockRun {
	l.t.Helper()
	r := l.start(addr, timeout)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if len(l.read("guard")) > 0 {
			return r
		}
		select {
		case <-r.ended:
			r = l.start(addr, timeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
	l.t.Fatal("the command did not begin within a minute")
	return nil
}

// code waits for the end and returns the exit code.
func (r *lockRun) code() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		r.t.Fatal("mw lock did not end within a minute")
	}
	return r.ProcessState.ExitCode()
}

// read returns the lines of a file of the commands.
func (l *lockTest) read(name string) []string {
	text, _ := os.ReadFile(filepath.Join(l.dir, name))
	return strings.Fields(string(text))
}

// await waits until a file has so many words, which it returns.
func (l *lockTest) await(name string, n int) []string {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if words := l.read(name); len(words) >= n {
			return words
		}
	}
	l.t.Fatalf("%s: %q after a minute, want %d", name, l.read(name), n)
	return nil
}

// guard returns the process of the guard of the command that runs.
func (l *lockTest) guard() *os.Process {
	l.t.Helper()
	pid, err := strconv.Atoi(l.await("guard", 1)[0])
	if err != nil {
		l.t.Fatal(err)
	}
	p, _ := os.FindProcess(pid) // does not fail on Unix
	return p
}

// next has another run the command, and ends it when it has begun. Its fence is
// greater, and nobody else was there.
func (l *lockTest) next() {
	l.t.Helper()
	before := l.read("fences")
	r := l.start(l.addr, "20s")
	fences := l.await("fences", len(before)+1)
	if err := r.Process.Kill(); err != nil {
		l.t.Fatal(err)
	}
	if len(before) > 0 {
		a, _ := strconv.ParseInt(before[len(before)-1], 10, 64)
		b, _ := strconv.ParseInt(fences[len(fences)-1], 10, 64)
		if b <= a {
			l.t.Errorf("fence %d follows %d", b, a)
		}
	}
	if faults := l.read("faults"); len(faults) > 0 {
		l.t.Errorf("%q", faults)
	}
}

func TestTwoNeverRunUnderALock(t *testing.T) {
	if testing.Short() {
		t.Skip("not tested: takes 15 s; -short was asked for")
	}
	twoNeverRun(t, func(t *testing.T) string { return zktest.NewServer(t).Addr() })
}

func TestInteropTwoNeverRunUnderALock(t *testing.T) {
	reference.Need(t)
	addr := reference.Start(t).Addr()
	twoNeverRun(t, func(t *testing.T) string { return addr + "/" + filepath.Base(t.Name()) })
}

func twoNeverRun(t *testing.T, service func(*testing.T) string) {
	t.Run("killed", func(t *testing.T) {
		l := newLockTest(t, service(t))
		r := l.begin(l.addr, "2s")
		_ = r.Process.Kill()
		l.next()
	})
	t.Run("stopped", func(t *testing.T) {
		l := newLockTest(t, service(t))
		r := l.begin(l.addr, "2s")
		_ = r.Process.Signal(syscall.SIGSTOP)
		l.next()
		_ = r.Process.Signal(syscall.SIGCONT)
		if code := r.code(); code != exitFailed || !strings.Contains(r.stderr.String(), "mw: lock job: the command was ended: ") {
			t.Errorf("exit code %d: %s", code, &r.stderr)
		}
	})
	t.Run("guard killed", func(t *testing.T) {
		l := newLockTest(t, service(t))
		r := l.begin(l.addr, "20s")
		_ = l.guard().Kill()
		if code := r.code(); code != exitFailed || !strings.Contains(r.stderr.String(), "guard") {
			t.Errorf("exit code %d: %s", code, &r.stderr)
		}
		l.next()
	})
	t.Run("silence", func(t *testing.T) {
		l := newLockTest(t, service(t))
		proxy, chroot := l.proxy()
		r := l.begin(proxy.Addr()+chroot, "2s")
		proxy.SetMode(zktest.Silence)
		l.await("signals", 1) // it is asked to end while there is time
		l.next()
		if code := r.code(); code != exitFailed {
			t.Errorf("exit code %d: %s", code, &r.stderr)
		}
	})
	t.Run("silence and a stopped guard", func(t *testing.T) {
		l := newLockTest(t, service(t))
		proxy, chroot := l.proxy()
		r := l.begin(proxy.Addr()+chroot, "2s")
		_ = l.guard().Signal(syscall.SIGSTOP)
		proxy.SetMode(zktest.Silence)
		if code := r.code(); code != exitFailed {
			t.Errorf("exit code %d: %s", code, &r.stderr)
		}
		l.next()
	})
	t.Run("znode deleted", func(t *testing.T) {
		l := newLockTest(t, service(t))
		r := l.begin(l.addr, "20s")
		l.deletePlaces()
		if code := r.code(); code != exitFailed || !strings.Contains(r.stderr.String(), "lock lost") {
			t.Errorf("exit code %d: %s", code, &r.stderr)
		}
		l.next()
	})
}

// proxy stands between a command and the service.
func (l *lockTest) proxy() (p *zktest.Proxy, chroot string) {
	host, rest, found := strings.Cut(l.addr, "/")
	if found {
		chroot = "/" + rest
	}
	return zktest.NewProxy(l.t, host), chroot
}

// deletePlaces does what an operator may do, by mistake.
func (l *lockTest) deletePlaces() {
	l.t.Helper()
	servers, chroot, err := coordinator.ParseServers(l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	s, err := coordinator.Connect(ctx, coordinator.Config{Servers: servers, Chroot: chroot})
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.Close()
	queue, err := s.Contenders(ctx, "/locks/job")
	if err != nil || len(queue) != 1 || !queue[0].Holds {
		l.t.Fatalf("the queue = %+v, %v", queue, err)
	}
	if err := s.Delete(ctx, "/locks/job/"+queue[0].Name, coordinator.AnyVersion); err != nil {
		l.t.Fatal(err)
	}
}

// Ctrl-C at a terminal is for all of us: the command has it already. A signal for
// mw lock alone is passed on.
func TestSignalsComeToACommandOnce(t *testing.T) {
	l := newLockTest(t, zktest.NewServer(t).Addr())
	r := l.begin(l.addr, "20s")
	_ = syscall.Kill(-r.Process.Pid, syscall.SIGINT)
	l.await("signals", 1)
	_ = r.Process.Signal(syscall.SIGTERM)
	l.await("signals", 2)
	_ = r.Process.Signal(syscall.SIGINT)
	if got := strings.Join(l.await("signals", 3), " "); got != "INT TERM INT" {
		t.Errorf("the command got %s, want INT TERM INT", got)
	}
}

// What has become root cannot be killed by a user, who is told so.
func TestACommandThatBecameAnotherUserIsNotWaitedFor(t *testing.T) {
	setpriv, err := os.ReadFile("/usr/bin/setpriv")
	if os.Getuid() != 0 || err != nil {
		t.Skip("not tested: needs root, and setpriv")
	}
	l := newLockTest(t, zktest.NewServer(t).Addr())
	open, err := os.MkdirTemp("", "mw-lock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(open) })
	root := filepath.Join(open, "become-root")
	mw := filepath.Join(open, "mw")
	if err := errors.Join(os.Chmod(open, 0o755), os.WriteFile(root, setpriv, 0o755), os.Chmod(root, 0o755|os.ModeSetuid), os.Rename(l.mw, mw), os.Chmod(mw, 0o755)); err != nil {
		t.Fatal(err)
	}
	proxy, chroot := l.proxy()
	cmd := exec.Command(mw, "--servers", proxy.Addr()+chroot, "--session-timeout", "2s", "lock", "job", "--", root, "--reuid", "0", "--clear-groups", "sh", "-c", "echo begun; read forever; echo over")
	cmd.Dir = open
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	began := make([]byte, 6)
	if _, err := io.ReadFull(stdout, began); err != nil {
		_ = cmd.Wait()
		t.Skipf("not tested: no setuid programs here: %s", &stderr)
	}
	proxy.SetMode(zktest.Silence)
	state, err := cmd.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(stdin, "now\n")
	rest, _ := io.ReadAll(stdout)
	if string(rest) != "over\n" {
		t.Errorf("the command said %q, want that it is over", rest)
	}
	_ = cmd.Wait()
	if state.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "mw: lock job: the command, or what it started, has become another user and cannot be killed") {
		t.Errorf("exit code %d: %s", state.ExitCode(), &stderr)
	}
}
