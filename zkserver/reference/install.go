package reference

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// installing serialises apt-get within the process.
var installing sync.Mutex

// Interop skips the test unless MW_INTEROP is set: what follows needs programs
// of others, and may install them.
func Interop(t testing.TB) {
	t.Helper()
	if os.Getenv("MW_INTEROP") == "" {
		t.Skip("MW_INTEROP is not set (make interop sets it); not tested: programs of others")
	}
}

// Need makes sure that Apache ZooKeeper is installed, or skips as [Interop] does.
func Need(t testing.TB) {
	t.Helper()
	Interop(t)
	Install(t, ServerScript, "zookeeper", "default-jre-headless")
}

// Install installs Debian packages with apt-get unless file is there already. It
// fails the test when the file is not there in the end.
func Install(t testing.TB, file string, packages ...string) {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	if _, err := os.Stat(file); err == nil {
		return
	}
	defer lockInstalling(t)()
	if _, err := os.Stat(file); err == nil {
		return // by another process, meanwhile
	}
	apt(t, "update")
	apt(t, append([]string{"install", "-y", "--no-install-recommends"}, packages...)...)
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("reference: install %s: still no %s", strings.Join(packages, " "), file)
	}
}

// lockInstalling waits for the tests of other packages that install something:
// apt-get update does not wait for its own lock.
func lockInstalling(t testing.TB) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "mw-interop-install.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatalf("reference: %v", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("reference: lock %s: %v", f.Name(), err)
	}
	return func() { f.Close() }
}

func apt(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.Command("apt-get", append([]string{"-o", "DPkg::Lock::Timeout=120"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("reference: apt-get %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
