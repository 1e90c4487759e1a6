package worker_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/worker"
	"github.com/mwqueue/mw/zkserver/zktest"
	"golang.org/x/sys/unix"
)

// The network is cut. The command, and what left its group, is dead before the
// service can have expired the session; what runs next is told apart by its
// fence.
func TestCommandIsDeadBeforeItsSessionExpires(t *testing.T) {
	srv := zktest.NewServer(t)
	link := zktest.NewProxy(t, srv.Addr())
	p := newPerson(t, coordinator.Config{Servers: []string{srv.Addr()}})
	startWorker(t, worker.Config{
		Coordinator: coordinator.Config{Servers: []string{link.Addr()}, SessionTimeout: 5 * time.Second}, Slots: 1,
	})
	inst := p.instance("w1")
	dir := t.TempDir()
	id := p.submit("setsid sh -c 'echo $$ >" + dir + "/escaped.tmp; mv " + dir + "/escaped.tmp " + dir + "/escaped; exec sleep 1000' & " +
		"echo $$ >" + dir + "/main.tmp; mv " + dir + "/main.tmp " + dir + "/main; wait")
	p.assign(inst, id, "")
	main, escaped := pidFrom(t, dir+"/main"), pidFrom(t, dir+"/escaped")

	link.SetMode(zktest.Silence)
	died := make(chan time.Time, 1)
	go func() {
		for _, fd := range []int{main, escaped} {
			for err := error(unix.EINTR); err == unix.EINTR; {
				_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
			}
		}
		died <- time.Now()
	}()
	p.awaitGone(coordinator.WorkerPath(inst))
	expired := time.Now()
	if at := <-died; at.After(expired) {
		t.Errorf("the command died %v after the session had expired", at.Sub(expired))
	}

	link.SetMode(zktest.Pass)
	next := p.instance("w1", inst)
	a, status := p.attempt(id, 1)
	if a.Outcome != coordinator.OutcomeInterrupted || status != "" || a.Worker != inst {
		t.Errorf("status %q, attempt %+v", status, a)
	}
	p.assign(next, id, `{"attempt":2}`)
	p.take(next, id)
}

// pidFrom opens the process whose ID a command writes to a file.
func pidFrom(t testing.TB, path string) (fd int) {
	t.Helper()
	awaitFile(t, path)
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	fd, err = unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}
