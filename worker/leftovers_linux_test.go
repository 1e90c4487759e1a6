package worker

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The worker and its guard were killed together: what their commands had
// started dies when the next worker takes the directory, and nothing else.
func TestNextWorkerKillsWhatTheLastLeftBehind(t *testing.T) {
	dir := t.TempDir()
	first, err := openStore(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	one, two, other := uuid.NewString(), uuid.NewString(), uuid.NewString()
	for _, instance := range []string{one, two} {
		if err := first.noteInstance(instance); err != nil {
			t.Fatal(err)
		}
	}
	first.close()

	left := map[string]*exec.Cmd{}
	for _, instance := range []string{one, two, other} {
		cmd := exec.Command("sleep", "1000")
		cmd.Env = []string{"MW_WORKER=" + instance, "MW_FENCE=7"}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		left[instance] = cmd
	}
	next, err := openStore(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer next.close()
	awaitDeath(t, "process of the first registration", left[one].Process.Pid, time.Second)
	awaitDeath(t, "process of the second", left[two].Process.Pid, time.Second)
	if err := syscall.Kill(left[other].Process.Pid, 0); err != nil {
		t.Errorf("another worker's process: %v", err)
	}
}

// A file that says nothing of use harms nobody.
func TestFormerRegistrationsThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "instances"), []byte("\n\n\x00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := openStore(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.close()
}

// In the middle of an exec a process shows no environment: one that does nothing
// else must be found, too.
func TestAProcessThatExecsAllTheTimeIsFoundByItsMark(t *testing.T) {
	const again = `exec sh -c "$0" "$0"`
	for range 40 {
		instance := uuid.NewString()
		cmd := exec.Command("sh", "-c", again, again)
		cmd.Env = []string{"PATH=" + defaultPath, "MW_WORKER=" + instance, "MW_FENCE=1"}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		n := killMarked(func(mark string) bool { return instanceIn(mark) == instance })
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if n != 1 {
			t.Fatalf("%d processes killed, want 1; it ended with %v", n, cmd.ProcessState)
		}
	}
}
