package storm

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver/reference"
)

// A product is a server that can be one of several.
type product interface {
	// ports is how many addresses a member has for the others.
	ports() int

	// prepare writes what a member needs and returns how it is started.
	prepare(t testing.TB, e *ensemble, m *member) func() *exec.Cmd

	// alike reports whether a path must be the same on all members. Each has other
	// addresses for the rest.
	alike(path string) bool

	// survives reports whether a member may be done this to.
	survives(k kind) bool
}

// ours is mw server.
type ours struct{ linearizable bool }

func (ours) ports() int { return 1 }

func (o ours) prepare(t testing.TB, e *ensemble, m *member) func() *exec.Cmd {
	args := []string{"server", "--id", fmt.Sprint(m.number), "--listen", m.client, "--data", m.dir, "--words", "*",
		// Small files of the log, and snapshots often: so a disk that is full is soon
		// noticed, and who was away is given a snapshot.
		"--set", "preAllocSize=128", "--set", "jute.maxbuffer=65536", "--set", "snapCount=300"}
	if o.linearizable {
		args = append(args, "--linearizable-reads")
	}
	for _, other := range e.members {
		args = append(args, "--member", fmt.Sprintf("%d=%s", other.number, e.seenBy(m, other)[0]))
	}
	program := build(t)
	return func() *exec.Cmd { return exec.Command(program, args...) }
}

func (ours) alike(string) bool { return true }

func (ours) survives(kind) bool { return true }

// build builds mw as it is now, once.
func build(t testing.TB) string {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var built = sync.OnceValues(func() (string, error) {
	program := filepath.Join(scratch, "mw")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/mw")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build mw: %w\n%s", err, out)
	}
	return program, nil
})

// scratch is a directory for the whole run.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// theirs is Apache ZooKeeper.
type theirs struct{}

func (theirs) ports() int { return 2 }

func (theirs) prepare(t testing.TB, e *ensemble, m *member) func() *exec.Cmd {
	var cfg strings.Builder
	_, port, _ := net.SplitHostPort(m.client)
	fmt.Fprintf(&cfg, "tickTime=500\ninitLimit=20\nsyncLimit=6\ndataDir=%s\nclientPort=%s\nclientPortAddress=127.0.0.1\n", m.dir, port)
	fmt.Fprint(&cfg, "admin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\nautopurge.purgeInterval=0\n")
	for _, other := range e.members {
		seen := e.seenBy(m, other)
		_, election, _ := net.SplitHostPort(seen[1])
		fmt.Fprintf(&cfg, "server.%d=%s:%s\n", other.number, seen[0], election)
	}
	file := filepath.Join(m.dir, "zoo.cfg")
	for name, text := range map[string]string{file: cfg.String(), filepath.Join(m.dir, "myid"): fmt.Sprint(m.number)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func() *exec.Cmd {
		cmd := exec.Command(reference.ServerScript, "start-foreground", file)
		cmd.Env = append(os.Environ(), "ZOO_LOG_DIR="+m.dir, "JVMFLAGS=-Xmx256m "+reference.JVMFlags)
		return cmd
	}
}

func (theirs) alike(path string) bool { return path != "/zookeeper/config" }

// It ends when its disk is full, and takes a member with an empty directory for the
// one that it was.
func (theirs) survives(k kind) bool { return k != fullDisk && k != wiped }
