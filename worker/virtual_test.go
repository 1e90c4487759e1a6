package worker

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/zktest"
	"github.com/rs/zerolog"
)

// bubble is a server, a worker without commands and HTTP, and a person with a
// session of their own, all in virtual time. The worker reaches the server
// through link.
type bubble struct {
	t    *testing.T
	link *zktest.Proxy
	s    *coordinator.Session // the person's
	w    *Worker
	wait untilCancelled
	end  func() error // stops the worker and returns what it returned
}

// inBubble runs test with a worker that has the handlers "wait", which is
// b.wait, and "stuck", which ends only with the test.
func inBubble(t *testing.T, cfg Config, test func(b bubble)) { inBubbleOn(t, nil, cfg, test) }

// inBubbleOn is inBubble with the server's files on a disk.
func inBubbleOn(t *testing.T, disk *waltest.Disk, cfg Config, test func(b bubble)) {
	synctest.Test(t, func(t *testing.T) {
		// Channels must be made in the bubble, or waiting for them stops time.
		wait := untilCancelled{make(chan Task, 10), make(chan error, 10)}
		over := make(chan struct{})
		defer close(over)
		cfg.Handlers = map[string]Handler{
			"wait":  wait.handle,
			"stuck": func(context.Context, Task) ([]byte, error) { <-over; return nil, nil },
		}
		if disk == nil {
			disk = waltest.New(1)
		}
		server := zktest.NewServer(t, zktest.OnDisk(disk), zktest.InMemory)
		front := zktest.NewListener()
		link := zktest.NewMemoryProxy(t, front, server.Listener())
		s, err := coordinator.Connect(t.Context(), coordinator.Config{
			Servers: []string{server.Addr()}, Dial: server.Dial, SessionTimeout: 30 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()

		cfg.Name, cfg.Dir = "w1", t.TempDir()
		cfg.Coordinator = coordinator.Config{Servers: []string{server.Addr()}, Dial: front.Dial, SessionTimeout: 5 * time.Second}
		w, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer w.store.close()
		defer w.listener.Close()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			defer close(w.over)
			done <- w.work(ctx, nil)
		}()
		test(bubble{t, link, s, w, wait, func() error {
			stop()
			return <-done
		}})
		stop()
		<-w.over
	})
}

// instance waits for a registration other than the given one.
func (b bubble) instance(not string) string {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	for c := range b.s.FollowChildren(ctx, coordinator.WorkersPath) {
		for _, name := range c.Names {
			if name != not {
				return name
			}
		}
	}
	b.t.Fatal("no worker")
	return ""
}

func (b bubble) create(path, data string) string {
	b.t.Helper()
	mode := coordinator.Persistent
	if strings.HasSuffix(path, "-") {
		mode = coordinator.Sequential
	}
	made, err := b.s.Create(b.t.Context(), path, []byte(data), mode)
	if err != nil {
		b.t.Fatal(err)
	}
	return made
}

func (b bubble) children(path string) []string {
	b.t.Helper()
	names, _, err := b.s.Children(b.t.Context(), path)
	if err != nil {
		b.t.Fatal(err)
	}
	return names
}

// untilCancelled is a handler that runs until its context ends, and says when
// and why.
type untilCancelled struct {
	began chan Task
	ended chan error
}

func (u untilCancelled) handle(ctx context.Context, t Task) ([]byte, error) {
	u.began <- t
	<-ctx.Done()
	u.ended <- context.Cause(ctx)
	return nil, context.Cause(ctx)
}

func TestHandBackAfterAQuarterOfASecond(t *testing.T) {
	inBubble(t, Config{Slots: 1}, func(b bubble) {
		inst := b.instance("")
		b.create(coordinator.TaskPrefix, `{"handler":"wait"}`)
		b.create(coordinator.TaskPrefix, `{"handler":"wait"}`)
		b.create(coordinator.AssignmentPath(inst, taskNumber(0)), "")
		<-b.wait.began
		b.create(coordinator.AssignmentPath(inst, taskNumber(1)), "")
		began := time.Now()
		if err := b.s.AwaitGone(b.t.Context(), coordinator.AssignmentPath(inst, taskNumber(1))); err != nil {
			b.t.Fatal(err)
		}
		if took := time.Since(began); took < 250*time.Millisecond || took > 300*time.Millisecond {
			b.t.Errorf("handed back after %v", took)
		}
		if names := b.children(coordinator.TaskPath(taskNumber(1))); len(names) > 0 {
			b.t.Errorf("a task that was handed back has %v", names)
		}
	})
}

// The network is cut. The attempt ends before the service can have expired the
// session; with the next session the same process says so.
func TestAttemptEndsBeforeTheSessionCanExpire(t *testing.T) {
	inBubble(t, Config{Slots: 1}, func(b bubble) {
		inst := b.instance("")
		b.create(coordinator.TaskPrefix, `{"handler":"wait"}`)
		b.create(coordinator.AssignmentPath(inst, taskNumber(0)), "")
		<-b.wait.began
		time.Sleep(10 * time.Second)
		cut := time.Now()
		b.link.SetMode(zktest.Silence)
		cause := <-b.wait.ended
		if took := time.Since(cut); !errors.Is(cause, coordinator.ErrSessionLost) || took > 3*time.Second {
			b.t.Errorf("the attempt ended after %v: %v", took, cause)
		}
		if err := b.s.AwaitGone(b.t.Context(), coordinator.WorkerPath(inst)); err != nil {
			b.t.Fatal(err)
		}
		if took := time.Since(cut); took < 4*time.Second {
			b.t.Errorf("the session of 5 s expired after %v", took)
		}

		b.link.SetMode(zktest.Pass)
		next := b.instance(inst)
		if err := b.s.AwaitGone(b.t.Context(), coordinator.AssignmentPath(inst, taskNumber(0))); err != nil {
			b.t.Fatal(err)
		}
		data, _, err := b.s.Get(b.t.Context(), coordinator.AttemptPath(taskNumber(0), 1))
		if a := coordinator.ParseAttemptData(data); err != nil || a.Outcome != coordinator.OutcomeInterrupted || a.Worker != inst {
			b.t.Errorf("attempt = %+v, %v", a, err)
		}
		if names := b.children(coordinator.TaskPath(taskNumber(0))); len(names) != 1 {
			b.t.Errorf("the task has %v, want one attempt", names)
		}
		b.create(coordinator.AssignmentPath(next, taskNumber(0)), `{"attempt":2}`)
		if task := <-b.wait.began; task.Attempt != 2 || task.Worker != next {
			b.t.Errorf("second attempt = %+v", task)
		}
	})
}

// The master was quicker: the task runs elsewhere, and what we say about the
// old attempt is refused.
func TestMovedTaskIsNotReported(t *testing.T) {
	inBubble(t, Config{Slots: 1}, func(b bubble) {
		inst := b.instance("")
		b.create(coordinator.TaskPrefix, `{"handler":"wait"}`)
		b.create(coordinator.AssignmentPath(inst, taskNumber(0)), "")
		<-b.wait.began
		b.link.SetMode(zktest.Silence)
		<-b.wait.ended
		if _, err := b.s.Multi(b.t.Context(),
			coordinator.DeleteOp(coordinator.AssignmentPath(inst, taskNumber(0)), coordinator.AnyVersion),
			coordinator.CreateOp(coordinator.AttemptPath(taskNumber(0), 1), []byte("lost"), coordinator.Persistent)); err != nil {
			b.t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		b.link.SetMode(zktest.Pass)
		b.instance(inst)
		time.Sleep(time.Minute)
		data, _, err := b.s.Get(b.t.Context(), coordinator.AttemptPath(taskNumber(0), 1))
		if string(data) != "lost" || err != nil || len(b.children(coordinator.TaskPath(taskNumber(0)))) != 1 {
			b.t.Errorf("attempt = %q, %v", data, err)
		}
	})
}

// A stopped worker says so for each attempt, and goes at once.
func TestStopEndsHandlers(t *testing.T) {
	inBubble(t, Config{Slots: 2}, func(b bubble) {
		inst := b.instance("")
		b.create(coordinator.TaskPrefix, `{"handler":"wait"}`)
		b.create(coordinator.AssignmentPath(inst, taskNumber(0)), "")
		<-b.wait.began
		began := time.Now()
		if err := b.end(); !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
			b.t.Errorf("the worker ended after %v: %v", time.Since(began), err)
		}
		if cause := <-b.wait.ended; !errors.Is(cause, ErrStopped) {
			b.t.Errorf("the handler's cause = %v, want %v", cause, ErrStopped)
		}
		data, _, err := b.s.Get(b.t.Context(), coordinator.AttemptPath(taskNumber(0), 1))
		if a := coordinator.ParseAttemptData(data); err != nil || a.Outcome != coordinator.OutcomeInterrupted {
			b.t.Errorf("attempt = %+v, %v", a, err)
		}
		if names := b.children(coordinator.WorkersPath); len(names) != 0 {
			b.t.Errorf("workers = %v", names)
		}
	})
}

func TestLogSaysWhatStartsAndEnds(t *testing.T) {
	var log bytes.Buffer
	inBubble(t, Config{Slots: 1, Log: zerolog.New(&log)}, func(b bubble) {
		inst := b.instance("")
		b.create(coordinator.TaskPrefix, `{"handler":"wait","timeout":2}`)
		b.create(coordinator.AssignmentPath(inst, taskNumber(0)), "")
		if err := b.s.AwaitExists(b.t.Context(), coordinator.StatusPath(taskNumber(0))); err != nil {
			b.t.Fatal(err)
		}
		_ = b.end()
		about := `{"level":"debug","worker":"` + inst + `","task":"task-0000000000","attempt":1,`
		for _, want := range []string{`"message":"attempt started"`, `"outcome":"timed_out","took":2000,"message":"attempt ended"`} {
			if !strings.Contains(log.String(), about+want) {
				b.t.Errorf("no %s in the log:\n%s", want, log.String())
			}
		}
		if last := `{"level":"info","worker":"` + inst + `","message":"worker left"}` + "\n"; !strings.HasSuffix(log.String(), last) {
			b.t.Errorf("the log does not end with %s:\n%s", last, log.String())
		}
	})
}

// A handler that does not end when it should holds up nobody for long.
func TestStopDoesNotWaitForEverForAHandler(t *testing.T) {
	inBubble(t, Config{Slots: 1, StopGrace: time.Second}, func(b bubble) {
		inst := b.instance("")
		b.create(coordinator.TaskPrefix, `{"handler":"stuck"}`)
		b.create(coordinator.AssignmentPath(inst, taskNumber(0)), "")
		time.Sleep(time.Second)
		asked := time.Now()
		_ = b.end()
		if took := time.Since(asked); took < 5*time.Second || took > 7*time.Second {
			b.t.Errorf("the worker ended after %v", took)
		}
	})
}

// The server's disk is full for a minute, in which the worker ends an attempt,
// loses its session and comes back: it goes on as soon as it can.
func TestWorkerWaitsWhileTheDiskOfTheServerIsFull(t *testing.T) {
	disk := waltest.New(1)
	inBubbleOn(t, disk, Config{Slots: 2}, func(b bubble) {
		inst := b.instance("")
		for n := range 2 {
			b.create(coordinator.TaskPrefix, `{"handler":"wait","timeout":20}`)
			b.create(coordinator.AssignmentPath(inst, taskNumber(n)), "")
			<-b.wait.began
		}
		disk.SetCapacity(1)
		for filler := make([]byte, coordinator.MaxDataBytes); ; {
			_, err := b.s.Create(b.t.Context(), "/filler-", filler, coordinator.Sequential)
			if errors.Is(err, coordinator.ErrTryLater) {
				break
			}
			if err != nil {
				b.t.Fatal(err)
			}
		}
		for range 2 {
			if cause := <-b.wait.ended; !errors.Is(cause, ErrTimedOut) {
				b.t.Errorf("the attempt ended because of %v", cause)
			}
		}
		time.Sleep(20 * time.Second)
		b.link.SetMode(zktest.Silence)
		time.Sleep(20 * time.Second)
		b.link.SetMode(zktest.Pass)
		time.Sleep(20 * time.Second)
		disk.SetCapacity(0)

		next := b.instance(inst)
		for n := range 2 {
			if err := b.s.AwaitGone(b.t.Context(), coordinator.AssignmentPath(inst, taskNumber(n))); err != nil {
				b.t.Fatal(err)
			}
			data, _, err := b.s.Get(b.t.Context(), coordinator.AttemptPath(taskNumber(n), 1))
			if a := coordinator.ParseAttemptData(data); err != nil || a.Outcome != coordinator.OutcomeTimedOut {
				b.t.Errorf("attempt = %+v, %v", a, err)
			}
		}
		b.create(coordinator.TaskPrefix, `{"handler":"wait"}`)
		b.create(coordinator.AssignmentPath(next, taskNumber(2)), "")
		<-b.wait.began
	})
}
