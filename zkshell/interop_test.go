package zkshell_test

import (
	"bytes"
	_ "embed"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// The script is made to come out alike whenever it is run: all it does is below /it,
// which it deletes.
//
//go:embed testdata/interop.zk
var script string

// The same commands through zkCli.sh and through our shell print the same lines, on
// Apache ZooKeeper and on our server.
func TestInteropShellPrintsWhatZkCliPrints(t *testing.T) {
	if n := strings.Count(script, "\n"); n < 80 {
		t.Fatalf("the script has only %d commands", n)
	}
	reference.Need(t)
	for _, server := range []struct {
		name  string
		start func(*testing.T) string
	}{
		{"Apache ZooKeeper", func(t *testing.T) string { return reference.Start(t).Addr() }},
		{"mw server", func(t *testing.T) string { return zktest.NewServer(t).Addr() }},
	} {
		t.Run(server.name, func(t *testing.T) {
			addr := server.start(t)
			theirs, theirEvents := lines(zkCli(t, addr, script))
			text, _ := run(t, addr, script)
			ours, ourEvents := lines(text)
			if diff := cmp.Diff(theirs, ours); diff != "" {
				t.Errorf("lines (-zkCli.sh +ours):\n%s", diff)
			}
			if diff := cmp.Diff(theirEvents, ourEvents); diff != "" {
				t.Errorf("events (-zkCli.sh +ours):\n%s", diff)
			}
		})
	}
}

// zkCli does a script with zkCli.sh and returns what it prints.
func zkCli(t *testing.T, addr, script string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), reference.Shell, "-server", addr)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), &out, &out
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "JVMFLAGS="+reference.JVMFlags+" -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "state:SyncConnected type:None") {
		t.Fatalf("zkCli.sh was not connected; it printed:\n%s", out.String())
	}
	return out.String()
}

var (
	// noise is what the JVM, the banner and the state of the connection add.
	noise = regexp.MustCompile(`^(SLF4J: .*|Connecting to .*|Welcome to ZooKeeper!|JLine support is .*|WATCHER::|)$`)

	// Numbers and times that differ from run to run.
	hexes = regexp.MustCompile(`0x[0-9a-f]+`)
	times = regexp.MustCompile(`^([cm]time) = .*`)
)

// lines takes an output apart into answers and events, without what is noise or
// differs each time. zkCli.sh prints events from a thread of its own, so only their
// order among themselves is compared.
func lines(output string) (answers, events []string) {
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case noise.MatchString(line), strings.HasPrefix(line, "WatchedEvent") && strings.Contains(line, "type:None"):
		case strings.HasPrefix(line, "WatchedEvent"):
			events = append(events, line)
		default:
			line = hexes.ReplaceAllString(line, "0x…")
			answers = append(answers, times.ReplaceAllString(line, "$1 = …"))
		}
	}
	return answers, sortRemoved(events)
}

// sortRemoved sorts the events of one removewatches, which come in the order of a
// Java hash table.
func sortRemoved(events []string) []string {
	for i := range events {
		for j := i; j > 0 && strings.Contains(events[j], "WatchRemoved") && strings.Contains(events[j-1], "WatchRemoved") && events[j] < events[j-1]; j-- {
			events[j], events[j-1] = events[j-1], events[j]
		}
	}
	return events
}
