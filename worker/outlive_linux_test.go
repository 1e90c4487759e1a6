package worker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func init() { testRoles["fake-worker"] = fakeWorker }

// fakeWorker starts a script under a guard and waits for its own death. Its
// arguments are the length of the lease, the script, and more environment for it.
func fakeWorker(args []string) int {
	lease, err := time.ParseDuration(args[0])
	if err != nil {
		panic(err)
	}
	c := newLauncher(guardArgv(), zerolog.Nop())
	c.extend(1, time.Now().Add(lease), time.Minute)
	env := append([]string{"PATH=/usr/bin:/bin"}, args[2:]...)
	_, err = c.start(context.Background(), startRequest{
		Session: 1, Path: "/bin/sh", Argv: []string{"sh", "-c", args[1]}, Env: env, Dir: "/", Mark: markOf(slices.Values(env)),
		Stdout: "/dev/null", Stderr: "/dev/null",
	})
	if err != nil {
		panic(err)
	}
	select {}
}

func TestNothingOutlivesTheWorker(t *testing.T) {
	tests := []struct {
		name  string
		lease time.Duration
		sig   syscall.Signal
	}{
		{"killed", time.Hour, syscall.SIGKILL},
		{"stopped past its lease", 3 * time.Second, syscall.SIGSTOP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fifos := [3]string{}
			pids := [3]<-chan int{}
			for i := range fifos {
				fifos[i], pids[i] = fifo(t)
			}
			text := fmt.Sprintf("echo $$ >%s; sh -c 'echo $$ >%s; exec sleep 1000' & setsid sh -c 'echo $$ >%s; exec sleep 1000' & wait",
				fifos[0], fifos[1], fifos[2])
			w := exec.Command(os.Args[0], "fake-worker", tt.lease.String(), text)
			w.Stderr = os.Stderr
			if err := w.Start(); err != nil {
				t.Fatal(err)
			}
			defer w.Wait()
			defer w.Process.Kill()

			main, child, escaped := await(t, "main", pids[0]), await(t, "child", pids[1]), await(t, "escaped child", pids[2])
			if err := w.Process.Signal(tt.sig); err != nil {
				t.Fatal(err)
			}
			awaitDeath(t, "main process", main, 10*time.Second)
			awaitDeath(t, "child", child, 10*time.Second)
			awaitDeath(t, "escaped child", escaped, 10*time.Second)
		})
	}
}
