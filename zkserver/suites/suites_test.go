package suites

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// suiteTimeout bounds one run of one program.
const suiteTimeout = 2 * time.Minute

// programs are what is run on both servers. prepare returns a command that takes an
// address and a path.
var programs = []struct {
	name    string
	prepare func(t *testing.T) []string
}{
	{"kazoo", kazoo},
	{"curator", curator},
	{"c", cClient},
	{"node", node},
}

// TestInteropSuites wants every check of every program to go on our server as it
// goes on Apache ZooKeeper.
func TestInteropSuites(t *testing.T) {
	reference.Need(t)
	reference := reference.Start(t)
	ours := zktest.NewServer(t, func(c *zkserver.Config) {
		c.MaxSessionTimeout = 10 * time.Minute
		c.Words = []string{"*"}
	})
	t.Run("clients", func(t *testing.T) { // ends when all are done
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				command := p.prepare(t)
				compare(t, command, reference.Addr(), ours.Addr())
			})
		}
		t.Run("gozk", func(t *testing.T) {
			t.Parallel()
			gozk(t)
		})
	})
}

// compare runs the command on both servers at the same time. The checks wait for
// things to happen on a machine that may be busy: one that goes otherwise on ours
// must do so four times.
func compare(t *testing.T, command []string, reference, ours string) {
	var differ []string
	for try := range 4 {
		began := time.Now()
		var theirs, our outcomes
		var wg sync.WaitGroup
		path := fmt.Sprintf("/%s-%d", filepath.Base(t.Name()), try)
		wg.Go(func() { theirs = run(t, command, reference, path) })
		wg.Go(func() { our = run(t, command, ours, path) })
		wg.Wait()
		t.Logf("%d checks, %v: %s", len(theirs.names), time.Since(began).Round(time.Second/10), strings.Join(theirs.names, " "))
		differ = theirs.differ(our)
		if len(theirs.names) == 0 {
			differ = append(differ, "no check ran on the reference:\n"+theirs.raw)
		}
		if len(differ) == 0 {
			return
		}
		t.Logf("try %d: %s", try+1, strings.Join(differ, "\n"))
	}
	for _, d := range differ {
		t.Error(d)
	}
}

// run runs a program against the server at addr.
func run(t *testing.T, command []string, addr, path string) outcomes {
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], addr, path)...)
	var out bytes.Buffer
	cmd.Env = append(os.Environ(), "JVMFLAGS="+reference.JVMFlags) // for zkCli.sh
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if err != nil {
		fmt.Fprintln(&out, err)
	}
	o := parseOutcomes(out.String())
	o.err = err
	return o
}

// must runs a command that prepares a program.
func must(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

// source returns the absolute path of a file below testdata.
func source(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func kazoo(t *testing.T) []string {
	reference.Install(t, "/usr/lib/python3/dist-packages/kazoo/client.py", "python3-kazoo")
	return []string{"/usr/bin/python3", source(t, "kazoo/suite.py")}
}

func curator(t *testing.T) []string {
	const jars = "/usr/share/java/"
	reference.Install(t, jars+"curator-recipes.jar", "libcurator-recipes-java")
	if _, err := exec.LookPath("javac"); err != nil {
		reference.Install(t, "/usr/bin/javac", "default-jdk-headless")
	}
	var path []string
	for _, j := range []string{"curator-recipes", "curator-framework", "curator-client", "zookeeper", "zookeeper-jute", "guava", "failureaccess",
		"slf4j-api", "netty-all", "jackson-databind", "jackson-core", "jackson-annotations", "metrics-core", "snappy-java"} {
		path = append(path, jars+j+".jar")
	}
	classes := t.TempDir()
	cp := strings.Join(append(path, classes), ":")
	must(t, "", "javac", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-nowarn", "-d", classes, "-cp", cp, source(t, "curator/Suite.java"))
	return []string{"java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", cp, "Suite"}
}

func cClient(t *testing.T) []string {
	reference.Install(t, "/usr/include/zookeeper/zookeeper.h", "libzookeeper-mt-dev")
	if _, err := exec.LookPath("gcc"); err != nil {
		reference.Install(t, "/usr/bin/gcc", "gcc", "libc6-dev")
	}
	program := filepath.Join(t.TempDir(), "suite")
	must(t, "", "gcc", "-O1", "-Wall", "-DTHREADED", "-o", program, source(t, "c/suite.c"), "-lzookeeper_mt", "-lpthread")
	return []string{program}
}

func node(t *testing.T) []string {
	if _, err := exec.LookPath("npm"); err != nil {
		reference.Install(t, "/usr/bin/npm", "nodejs", "npm")
	}
	dir := t.TempDir()
	for _, f := range []string{"package.json", "suite.js"} {
		b, err := os.ReadFile(source(t, "node/"+f))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	must(t, dir, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock")
	return []string{"node", filepath.Join(dir, "suite.js")}
}
