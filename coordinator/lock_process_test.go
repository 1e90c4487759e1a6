//go:build unix

package coordinator_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// holderServers names the service to a process that is to hold a lock.
const holderServers = "MW_TEST_HOLDER"

// holdUntilLost takes /locks/a and prints, again and again, what time it was and
// whether it held the lock a moment later. It ends when it does not.
func holdUntilLost(servers string) int {
	addrs, chroot, err := coordinator.ParseServers(servers)
	if err != nil {
		return 2
	}
	ctx := context.Background()
	s, err := coordinator.Connect(ctx, coordinator.Config{Servers: addrs, Chroot: chroot, SessionTimeout: timeout})
	if err != nil {
		return 2
	}
	lock, err := s.Lock(ctx, "/locks/a")
	if err != nil {
		return 2
	}
	for held := true; held; {
		began := time.Now()
		held = lock.Held()
		fmt.Println(began.UnixNano(), held)
	}
	_, err = lock.Multi(ctx, coordinator.CreateOp("/late", nil, coordinator.Persistent))
	fmt.Println("write:", err)
	return 0
}

// hold starts a holder, and returns when it has the lock.
func (v service) hold(t *testing.T) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderServers+"="+v.addr+v.chroot)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasSuffix(lines.Text(), "true") {
		t.Fatalf("the holder says %q", lines.Text())
	}
	return cmd, lines
}

// The holder is stopped for longer than its session lives, and another takes the
// lock. When it wakes it must know before it does anything: timers of its own
// have not fired yet then.
func TestHolderThatWakesKnowsAtOnceThatItLost(t *testing.T) {
	v := newService(t)
	s := v.connect(t)
	cmd, lines := v.hold(t)
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	lock, err := s.Lock(within(t, 30*time.Second), "/locks/a")
	must(t, err)
	taken := time.Now().UnixNano()
	must(t, cmd.Process.Signal(syscall.SIGCONT))
	claims, last := 0, ""
	for lines.Scan() {
		last = lines.Text()
		at, claim, _ := strings.Cut(last, " ")
		if began, err := strconv.ParseInt(at, 10, 64); err == nil && began > taken && claim == "true" {
			claims++
		}
	}
	if claims > 0 || !lock.Held() {
		t.Errorf("%d times the lock was claimed when it was another's", claims)
	}
	if !strings.Contains(last, coordinator.ErrLockLost.Error()) || exists(t, s, "/late") {
		t.Errorf("late %s", last)
	}
}

func TestLockOfAKilledHolderGoesToTheNext(t *testing.T) {
	v := newService(t)
	s := v.connect(t)
	cmd, _ := v.hold(t)
	must(t, cmd.Process.Kill())
	_, err := s.Lock(within(t, 30*time.Second), "/locks/a")
	must(t, err)
}
