package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// newTestLauncher starts a guard whose session 1 has a lease of an hour.
func newTestLauncher(tb testing.TB) *launcher {
	tb.Helper()
	c := newLauncher(guardArgv(), zerolog.Nop())
	tb.Cleanup(c.close)
	c.extend(1, time.Now().Add(time.Hour), time.Minute)
	return c
}

// script makes a request that runs a shell script.
func script(tb testing.TB, text string) startRequest {
	dir := tb.TempDir()
	return startRequest{
		Session: 1, Path: "/bin/sh", Argv: []string{"sh", "-c", text}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: dir,
		Stdout: filepath.Join(dir, "stdout"), Stderr: filepath.Join(dir, "stderr"), Limit: 1 << 20,
	}
}

// marked gives a request a mark that no other has.
func marked(req startRequest) startRequest {
	req.Env = append(req.Env, "MW_WORKER="+uuid.NewString(), "MW_FENCE=1")
	req.Mark = markOf(slices.Values(req.Env))
	return req
}

func mustStart(tb testing.TB, c *launcher, req startRequest) *command {
	tb.Helper()
	cmd, err := c.start(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return cmd
}

// fifo makes a named pipe and returns its path and a channel that gets the
// process ID a script writes there.
func fifo(tb testing.TB) (path string, pid <-chan int) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "pid")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		tb.Fatal(err)
	}
	ch := make(chan int, 1)
	go func() {
		b, _ := os.ReadFile(path)
		n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		ch <- n
	}()
	return path, ch
}

// awaitDeath fails the test if the process is there after the time given.
func awaitDeath(tb testing.TB, what string, pid int, within time.Duration) {
	tb.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer unix.Close(fd)
	ready, err := 0, error(unix.EINTR)
	for deadline := time.Now().Add(within); err == unix.EINTR; {
		left := max(time.Until(deadline), 0)
		ready, err = pollOne(fd, left)
	}
	if err != nil || ready != 1 {
		tb.Errorf("%s (process %d) is alive after %v (%v)", what, pid, within, err)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func pollOne(fd int, within time.Duration) (int, error) {
	return unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(within.Milliseconds()))
}

func TestCommandEnds(t *testing.T) {
	c := newTestLauncher(t)
	tests := []struct {
		name, script   string
		code, signal   int
		stdout, stderr string
	}{
		{name: "silent", script: "exit 0"},
		{name: "both streams and a code", script: "echo out; echo err >&2; exit 3", code: 3, stdout: "out\n", stderr: "err\n"},
		{name: "signal", script: "kill -TERM $$", signal: 15},
		{name: "background child holds the pipe", script: "sleep 1000 & echo up", stdout: "up\n"},
		{name: "reads end of file", script: "cat; echo eof", stdout: "eof\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := script(t, tt.script)
			e := await(t, "end", mustStart(t, c, req).ended)
			if e.Code != tt.code || e.Signal != tt.signal || e.Fenced || e.Errno != 0 {
				t.Errorf("ended = %+v, want code %d, signal %d", e, tt.code, tt.signal)
			}
			checkStream(t, "stdout", e.Stdout, req.Stdout, tt.stdout)
			checkStream(t, "stderr", e.Stderr, req.Stderr, tt.stderr)
		})
	}
}

// checkStream compares the tail and the file; a stream that said nothing has
// no file.
func checkStream(t *testing.T, name string, got streamEnd, file, want string) {
	t.Helper()
	if string(got.Tail) != want || got.Bytes != int64(len(want)) || got.Fault != "" {
		t.Errorf("%s = %+v, want %q", name, got, want)
	}
	b, err := os.ReadFile(file)
	if string(b) != want || os.IsNotExist(err) != (want == "") {
		t.Errorf("%s file = %q, %v, want %q", name, b, err, want)
	}
}

func TestCommandThatCannotStart(t *testing.T) {
	c := newTestLauncher(t)
	req := script(t, "")
	req.Path = "/nowhere"
	if e := await(t, "end", mustStart(t, c, req).ended); syscall.Errno(e.Errno) != syscall.ENOENT {
		t.Errorf("ended = %+v, want ENOENT", e)
	}
}

// A guard that never ran has not begun the command either.
func TestGuardThatDoesNotRun(t *testing.T) {
	c := newLauncher([]string{"false"}, zerolog.Nop())
	t.Cleanup(c.close)
	if e := await(t, "end", mustStart(t, c, script(t, "")).ended); !e.GuardDied || !e.Unstarted {
		t.Errorf("ended = %+v, want unstarted", e)
	}
}

func TestOutputIsCutAtTheLimit(t *testing.T) {
	c := newTestLauncher(t)
	req := script(t, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end")
	req.Limit = 5000
	e := await(t, "end", mustStart(t, c, req).ended)
	if e.Stdout.Bytes != 100005 || len(e.Stdout.Tail) != tailBytes || !strings.HasSuffix(string(e.Stdout.Tail), "x\nend\n") {
		t.Errorf("%d bytes, tail of %d: %.20q", e.Stdout.Bytes, len(e.Stdout.Tail), e.Stdout.Tail)
	}
	b, _ := os.ReadFile(req.Stdout)
	if want := strings.Repeat("x", 5000); string(b) != want {
		t.Errorf("file has %d bytes: %q…, want %d", len(b), b[max(0, len(b)-60):], len(want))
	}
}

func TestFullDiskDoesNotStopTheCommand(t *testing.T) {
	c := newTestLauncher(t)
	req := script(t, "seq 100000; exit 7")
	req.Stdout = "/dev/full"
	e := await(t, "end", mustStart(t, c, req).ended)
	if e.Code != 7 || !strings.Contains(e.Stdout.Fault, "no space left") || !strings.HasSuffix(string(e.Stdout.Tail), "\n100000\n") {
		t.Errorf("code %d, fault %q, tail …%q", e.Code, e.Stdout.Fault, e.Stdout.Tail[max(0, len(e.Stdout.Tail)-20):])
	}
}

// A command has the umask of the worker, which keeps its own files to itself
// all the same.
func TestCommandHasTheWorkersUmask(t *testing.T) {
	c := newLauncher([]string{"sh", "-c", `umask 002; exec "$0" guard`, os.Args[0]}, zerolog.Nop())
	t.Cleanup(c.close)
	c.extend(1, time.Now().Add(time.Hour), time.Minute)
	req := script(t, "umask; touch made")
	if e := await(t, "end", mustStart(t, c, req).ended); string(e.Stdout.Tail) != "0002\n" {
		t.Errorf("umask = %q, want 0002", e.Stdout.Tail)
	}
	for path, want := range map[string]os.FileMode{req.Stdout: 0o600, filepath.Join(req.Dir, "made"): 0o664} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// Whoever started the worker may have left files open in it.
func TestCommandHasOnlyItsStreamsOpen(t *testing.T) {
	c := newLauncher([]string{"sh", "-c", `exec 3</ 9</; exec "$0" guard`, os.Args[0]}, zerolog.Nop())
	t.Cleanup(c.close)
	c.extend(1, time.Now().Add(time.Hour), time.Minute)
	list := "for fd in $(seq 0 300); do [ ! -e /proc/$$/fd/$fd ] || printf '%s ' $fd; done"
	if e := await(t, "end", mustStart(t, c, script(t, list)).ended); string(e.Stdout.Tail) != "0 1 2 " {
		t.Errorf("open descriptors %q, want 0 1 2", e.Stdout.Tail)
	}
}

func TestCloseOnExec(t *testing.T) {
	fd, err := unix.Open("/", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	closeOnExec("/proc/self/fd")
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags = %#x, %v, want FD_CLOEXEC", flags, err)
	}
}

func TestSignalReachesTheGroup(t *testing.T) {
	c := newTestLauncher(t)
	path, pid := fifo(t)
	cmd := mustStart(t, c, script(t, "sh -c 'echo $$ >"+path+"; exec sleep 1000' & wait"))
	child := await(t, "child", pid)
	cmd.signal(syscall.SIGTERM)
	if e := await(t, "end", cmd.ended); e.Signal != 15 {
		t.Errorf("ended = %+v, want signal 15", e)
	}
	awaitDeath(t, "child in the group", child, time.Second)
}

func TestWhatACommandLeavesBehindIsKilled(t *testing.T) {
	tests := []struct{ name, leave string }{
		{"in the group", "sh -c 'echo $$ >%s; exec sleep 1000' &"},
		{"in a session of its own", "setsid sh -c 'echo $$ >%s; exec sleep 1000' &"},
		{"child of a daemon", "setsid sh -c 'setsid sh -c \"echo \\$\\$ >%s; exec sleep 1000\" & wait' &"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestLauncher(t)
			// Another command lives on, so that nothing is killed for want of any.
			still := mustStart(t, c, marked(script(t, "sleep 1000")))

			path, pid := fifo(t)
			done := filepath.Join(t.TempDir(), "done")
			if err := unix.Mkfifo(done, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := mustStart(t, c, marked(script(t, fmt.Sprintf(tt.leave, path)+" read x <"+done)))
			left := await(t, "what is left", pid)
			if err := os.WriteFile(done, []byte("\n"), 0); err != nil {
				t.Fatal(err)
			}
			await(t, "end", cmd.ended)
			awaitDeath(t, tt.name, left, time.Second)
			select {
			case e := <-still.ended:
				t.Errorf("the other command ended: %+v", e)
			default:
			}
		})
	}
}

// A daemon that a command has started is let live while the command does.
func TestDaemonLivesWithItsCommand(t *testing.T) {
	c := newTestLauncher(t)
	path, pid := fifo(t)
	mustStart(t, c, marked(script(t, "setsid -f sh -c 'echo $$ >"+path+"; exec sleep 1000'; sleep 1000")))
	daemon := await(t, "daemon", pid)
	for range 3 { // each end makes the guard look for strays
		await(t, "end", mustStart(t, c, script(t, "exit 0")).ended)
	}
	if err := syscall.Kill(daemon, 0); err != nil {
		t.Errorf("the daemon of a running command is gone: %v", err)
	}
}

func TestLeaseEndKillsAndRefuses(t *testing.T) {
	c := newTestLauncher(t)
	path, pid := fifo(t)
	cmd := mustStart(t, c, script(t, "setsid sh -c 'echo $$ >"+path+"; exec sleep 1000' & sleep 1000"))
	escaped := await(t, "escaped child", pid)
	c.extend(1, time.Now().Add(300*time.Millisecond), time.Minute)

	if e := await(t, "end", cmd.ended); !e.Fenced || e.Signal != 9 {
		t.Errorf("ended = %+v, want fenced by signal 9", e)
	}
	awaitDeath(t, "escaped child", escaped, time.Second)
	if session := await(t, "fenced", c.fenced); session != 1 {
		t.Errorf("fenced session %d, want 1", session)
	}

	c.extend(1, time.Now().Add(time.Hour), time.Minute) // too late
	if e := await(t, "refusal", mustStart(t, c, script(t, "exit 0")).ended); !e.Fenced {
		t.Errorf("start in a session that is over: %+v, want fenced", e)
	}
	c.extend(2, time.Now().Add(time.Hour), time.Minute)
	req := script(t, "exit 0")
	req.Session = 2
	if e := await(t, "end", mustStart(t, c, req).ended); e.Fenced || e.Code != 0 {
		t.Errorf("start in the next session: %+v, want code 0", e)
	}
}

// A guard that is stopped kills nothing, however often it is told of new
// leases: the worker kills it when the lease has passed that it last knew of.
func TestStoppedGuardIsKilled(t *testing.T) {
	c := newTestLauncher(t)
	path, pid := fifo(t)
	cmd := mustStart(t, c, marked(script(t, "setsid sh -c 'echo $$ >"+path+"; exec sleep 1000' & sleep 1000")))
	escaped := await(t, "escaped child", pid)
	const lease = 2 * time.Second
	renew := time.NewTicker(lease / 8)
	defer renew.Stop()
	extend := func() { c.extend(1, time.Now().Add(lease), 100*time.Millisecond) }
	for sent, heard := cmd.link.leases(); heard < sent || sent < 2; sent, heard = cmd.link.leases() {
		extend()
		<-renew.C
	}
	if err := cmd.link.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for stopped := time.Now(); ; {
		select {
		case <-renew.C:
			extend()
			if time.Since(stopped) < 10*time.Second {
				continue
			}
			t.Fatal("a stopped guard is left alone")
		case e := <-cmd.ended:
			if !e.GuardDied {
				t.Errorf("ended = %+v, want guard died", e)
			}
		}
		break
	}
	awaitDeath(t, "escaped child", escaped, time.Second)
}

func TestEndKillsOnlyThatSession(t *testing.T) {
	c := newTestLauncher(t)
	cmd := mustStart(t, c, script(t, "sleep 1000"))
	c.end(1)
	if e := await(t, "end", cmd.ended); !e.Fenced {
		t.Errorf("ended = %+v, want fenced", e)
	}
}

func TestGuardDeathIsReported(t *testing.T) {
	c := newTestLauncher(t)
	path, pid := fifo(t)
	escapedPath, escapedPid := fifo(t)
	cmd := mustStart(t, c, marked(script(t, "sh -c 'echo $$ >"+path+"; exec sleep 1000' & setsid sh -c 'echo $$ >"+escapedPath+"; exec sleep 1000' & wait")))
	child, escaped := await(t, "child", pid), await(t, "escaped child", escapedPid)
	cmd.link.kill()
	if e := await(t, "end", cmd.ended); !e.GuardDied || e.Unstarted {
		t.Errorf("ended = %+v, want guard died", e)
	}
	awaitDeath(t, "child in the group", child, time.Second)
	awaitDeath(t, "escaped child", escaped, time.Second)
	if e := await(t, "end", mustStart(t, c, script(t, "exit 4")).ended); e.Code != 4 {
		t.Errorf("with the next guard: %+v, want code 4", e)
	}
}
