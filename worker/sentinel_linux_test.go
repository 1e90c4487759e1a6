package worker

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// The worker and its guard are killed at once: neither can see to what the
// commands have started.
func TestNothingOutlivesWorkerAndGuardTogether(t *testing.T) {
	guardPath, guardPid := fifo(t)
	childPath, childPid := fifo(t)
	escapedPath, escapedPid := fifo(t)
	text := fmt.Sprintf("echo $PPID >%s; sh -c 'echo $$ >%s; exec sleep 1000' & setsid sh -c 'echo $$ >%s; exec sleep 1000' & wait",
		guardPath, childPath, escapedPath)
	w := exec.Command(os.Args[0], "fake-worker", "1h", text, "MW_WORKER="+uuid.NewString(), "MW_FENCE=7")
	w.Stderr = os.Stderr
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Wait()
	defer w.Process.Kill()
	guard, child, escaped := await(t, "guard", guardPid), await(t, "child", childPid), await(t, "escaped child", escapedPid)
	for _, kill := range []func() error{ // stopped first, so that neither gets to act
		func() error { return syscall.Kill(guard, syscall.SIGSTOP) },
		w.Process.Kill,
		func() error { return syscall.Kill(guard, syscall.SIGKILL) },
	} {
		if err := kill(); err != nil {
			t.Fatal(err)
		}
	}
	awaitDeath(t, "child", child, 5*time.Second)
	awaitDeath(t, "escaped child", escaped, 5*time.Second)
}

// A sentinel that was killed is replaced, and the next one knows what the last
// one knew.
func TestSentinelIsReplaced(t *testing.T) {
	s, err := newSentinel(guardArgv())
	if err != nil {
		t.Fatal(err)
	}
	left := exec.Command("sleep", "1000")
	first := uuid.NewString()
	left.Env = []string{"MW_WORKER=" + first, "MW_FENCE=7"}
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	defer left.Wait()
	defer left.Process.Kill()
	if err := s.watch(first); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "death of the first sentinel", s.dead)
	if err := s.watch("another"); err != nil {
		t.Fatal(err)
	}
	if err := s.w.Close(); err != nil { // as if worker and guard had died
		t.Fatal(err)
	}
	awaitDeath(t, "what the first sentinel watched over", left.Process.Pid, 5*time.Second)
	await(t, "end of the second", s.dead)
	_ = s.r.Close()
}

// A worker that ends leaves no sentinel behind.
func TestSentinelEndsWithTheWorker(t *testing.T) {
	l := newLauncher(guardArgv(), zerolog.Nop())
	l.extend(1, time.Now().Add(time.Hour), time.Minute)
	await(t, "end", mustStart(t, l, marked(script(t, "exit 0"))).ended)
	pid := l.second.cmd.Process.Pid
	l.close()
	awaitDeath(t, "sentinel", pid, time.Second)
}
