package suites

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/reference"
)

var recordGozk = flag.Bool("suites.gozk", false, "run go-zookeeper's tests on Apache ZooKeeper and write down how they went")

// gozkTests are those tests of go-zookeeper that need one server: with the others below
// they are all that need any.
var gozkTests = []string{"StateChanges", "Create", "CreateTTL", "CreateContainer", "OpsAfterCloseDontDeadlock", "Multi",
	"IfAuthdataSurvivesReconnect", "MultiFailures", "GetSetACL", "Auth", "Children", "ChildWatch",
	"SetWatchers", "ExpiringWatch", "SlowServer", "MaxBufferSize", "Lock", "MultiLevelLock", "WaitForClose", "BadSession", "DNSHostProviderCreate"}

// gozkEnsembleTests need three, and gozkLongTests, too, and wait for half as long as all
// others take.
var (
	gozkEnsembleTests = []string{"BasicCluster", "ClientClusterFailover", "RecurringReAuthHang", "DNSHostProviderReconnect", "IncrementalReconfig", "Reconfig"}
	gozkLongTests     = []string{"NoQuorum"}
)

const gozkReference = "testdata/gozk/reference.txt"

// gozkChanges are what the module's tests are not left as they are in, by file. They ask
// srvr whether the server has started, and cannot read what any release since 3.5
// answers; and they take a port at random, which may be taken.
var gozkChanges = []struct{ file, was, is string }{
	{"server_help_test.go", "_, ok := FLWSrvr(serverAddrs, time.Second)", "ok := serves(serverAddrs[0])"},
	{"server_help_test.go", "startPort := int(rand.Int31n(6000) + 10000)", "startPort := freePort()"},
	{"server_help_test.go", "\t\"math/rand\"\n", ""},
}

// gozk builds the tests of the module, with [gozkChanges]. Then it runs them on our
// server, a process for each test.
func gozk(t *testing.T) {
	work := t.TempDir()
	tests := buildGozk(t, work)
	if *recordGozk {
		o := runGozk(t, work, tests, "ref", fmt.Sprintf("export JVMFLAGS=\"$SERVER_JVMFLAGS\" ZOO_LOG_DIR=%s\nexec %s \"$@\"\n", work, reference.ServerScript))
		record(t, o)
	}
	b, err := os.ReadFile(gozkReference)
	if err != nil {
		t.Fatal(err)
	}
	theirs := parseOutcomes(string(b))
	mw := filepath.Join(work, "mw")
	must(t, "../..", "go", "build", "-o", mw, "./cmd/mw")
	began := time.Now()
	ours := runGozk(t, work, tests, "ours", "exec "+mw+ourGozkFlags)
	if less := theirs.missed(ours); len(less) > 0 { // they wait for things to happen, on a machine that may be busy
		t.Logf("once more: %s", strings.Join(less, " "))
		again := runGozkTests(t, work, tests, filepath.Join(work, "ours"), topLevel(less))
		ours.names, ours.raw = append(ours.names, again.names...), again.raw
		for _, name := range again.names {
			delete(ours.why, name)
		}
		maps.Copy(ours.why, again.why)
	}
	for _, name := range theirs.missed(ours) {
		t.Errorf("%s passes on Apache ZooKeeper; on ours %s\n%s", name, ours.why[name], ours.raw)
	}
	t.Logf("%d of %d tests pass on Apache ZooKeeper, %v", len(theirs.names)-len(theirs.why), len(theirs.names), time.Since(began).Round(time.Second/10))
}

// ourGozkFlags are what our server gets for the configuration file that a test names,
// and for what it asks of the Java machine: its super user, whom Reconfig needs.
const ourGozkFlags = ` server --config "$2" --set extendedTypesEnabled=true \
	--set "superDigest=$(echo "$SERVER_JVMFLAGS" | sed 's/.*superDigest=\([^ ]*\).*/\1/')" \
	--listen "127.0.0.1:$(sed -n s/^clientPort=//p "$2")"
`

// missed gives the tests that pass on the reference, o, and not on ours.
func (o outcomes) missed(ours outcomes) []string {
	return slices.DeleteFunc(slices.Clone(o.names), func(name string) bool {
		_, failedThere := o.why[name]
		_, failedHere := ours.why[name]
		return failedThere || !failedHere && slices.Contains(ours.names, name)
	})
}

// topLevel gives the names, as in gozkTests, of the tests that have those within
// them, each once.
func topLevel(names []string) []string {
	var top []string
	for _, name := range names {
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "TestIntegration_"), "/")
		if !slices.Contains(top, name) {
			top = append(top, name)
		}
	}
	return top
}

// buildGozk returns the program of the module's tests.
func buildGozk(t *testing.T, work string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-zookeeper/zk").Output()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	dir := filepath.Join(work, "zk")
	must(t, "", "cp", "-r", strings.TrimSpace(string(out)), dir)
	must(t, "", "chmod", "-R", "u+w", dir)
	for _, c := range gozkChanges {
		file := filepath.Join(dir, c.file)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), c.was) {
			t.Fatalf("%s is not as it was: no %q", file, c.was)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(b), c.was, c.is, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "serves_test.go"), []byte(servesSource), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(work, "zk.test")
	must(t, dir, "go", "test", "-c", "-o", program, ".")
	return program
}

// servesSource is added to the module's tests: whether a server has started, and a
// port for one.
const servesSource = `package zk

import (
	"fmt"
	"io"
	"math/rand"
	"net"
	"strings"
	"time"
)

func serves(addr string) bool {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Second))
	io.WriteString(nc, "srvr")
	b, _ := io.ReadAll(nc)
	return strings.Contains(string(b), "Mode: ")
}

// freePort is the first of nine, for three servers, below those that the system gives
// out by itself.
func freePort() int {
	for {
		first := 10000 + rand.Intn(20000)
		free := 0
		for free < 9 {
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", first+free))
			if err != nil {
				break
			}
			l.Close()
			free++
		}
		if free == 9 {
			return first
		}
	}
}
`

// runGozk runs the tests with a zkServer.sh of the given text.
func runGozk(t *testing.T, work, program, name, script string) outcomes {
	t.Helper()
	bin := filepath.Join(work, name)
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "zkServer.sh"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	half := len(gozkTests) * 3 / 5 // about as long as the rest
	parts := [][]string{gozkTests[:half], gozkTests[half:], gozkEnsembleTests, gozkLongTests}
	outs := make([]outcomes, len(parts))
	var wg sync.WaitGroup
	for i, tests := range parts {
		wg.Go(func() { outs[i] = runGozkTests(t, work, program, bin, tests) })
	}
	wg.Wait()
	all := outcomes{why: map[string]string{}}
	for _, o := range outs {
		all.names, all.raw = append(all.names, o.names...), all.raw+o.raw
		maps.Copy(all.why, o.why)
	}
	return all
}

// runGozkTests runs some of the tests, one after the other.
func runGozkTests(t *testing.T, work, program, bin string, tests []string) outcomes {
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.v", "-test.run", "^TestIntegration_("+strings.Join(tests, "|")+")$")
	cmd.Env = append(os.Environ(), "ZOOKEEPER_BIN_PATH="+bin, "ZK_VERSION=3.8.0")
	cmd.Dir = filepath.Join(work, "zk")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its servers
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, _ := cmd.CombinedOutput() // that some fail is part of the outcome
	return parseGozk(string(out))
}

// parseGozk reads lines "--- PASS: NAME (1.00s)", also of tests within tests.
func parseGozk(text string) outcomes {
	o := outcomes{why: map[string]string{}, raw: text}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "---" || f[1] != "PASS:" && f[1] != "FAIL:" {
			continue
		}
		o.names = append(o.names, f[2])
		if f[1] == "FAIL:" {
			o.why[f[2]] = "it failed"
		}
	}
	return o
}

// record writes down how the tests went on the reference.
func record(t *testing.T, o outcomes) {
	t.Helper()
	var b strings.Builder
	for _, name := range o.names {
		verdict := "ok"
		if _, failed := o.why[name]; failed {
			verdict = "FAIL"
		}
		fmt.Fprintln(&b, verdict, name)
	}
	if err := os.WriteFile(gozkReference, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
