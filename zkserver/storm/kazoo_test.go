package storm

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/reference"
)

// A pythons is a program of kazoo's clients that work beside ours.
type pythons struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	stop     context.CancelFunc
	told     chan struct{} // closed when nothing more is told
}

// startKazoo starts the program, which is told on which registers to work.
func (l *load) startKazoo(t testing.TB) *pythons {
	t.Helper()
	reference.Install(t, "/usr/lib/python3/dist-packages/kazoo/client.py", "python3-kazoo")
	ctx, stop := context.WithCancel(t.Context())
	p := &pythons{stop: stop, told: make(chan struct{})}
	p.cmd = exec.Command("/usr/bin/python3", "testdata/clients.py", strings.Join(l.addrs, ","), "kazoo", fmt.Sprint(l.seed), map[bool]string{false: "sync", true: "linearizable"}[l.linearizable])
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with ctx
		defer close(p.told)
		defer in.Close()
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for {
			fmt.Fprintln(in, l.operations.Load()/(3*registerUse))
			select {
			case <-again.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

// end ends the program and adds what its clients saw.
func (p *pythons) end(t testing.TB, l *load) {
	t.Helper()
	p.stop()
	<-p.told
	kill := time.AfterFunc(time.Minute, func() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer kill.Stop()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("kazoo: %v\n%s", err, p.err.String())
	}
	before := len(l.rec.Ops())
	if err := l.rec.Read(&p.out); err != nil {
		t.Error(err)
	}
	t.Logf("%d operations by kazoo", len(l.rec.Ops())-before)
}
