package submit_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// whole is an output longer than the tail the tree keeps.
var whole = strings.Repeat("0123456789abcdef", 2000)

const tail = 16 << 10

// workerHTTP serves files below /output/ as a worker does.
func workerHTTP(t *testing.T, files map[string]string) (addr string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[strings.TrimPrefix(r.URL.Path, "/output/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// deadAddr is an address where nobody listens.
func deadAddr(t *testing.T) string {
	s := httptest.NewServer(nil)
	defer s.Close()
	return s.Listener.Addr().String()
}

func TestOutputIsCompleteOrSaysWhatIsMissing(t *testing.T) {
	const id coordinator.TaskID = "task-0000000000"
	path := fmt.Sprintf("%s/2/stdout", id)
	serves := workerHTTP(t, map[string]string{path: whole})
	cut := workerHTTP(t, map[string]string{path: whole[:20<<10]})
	tests := []struct {
		name      string
		last      coordinator.Attempt
		successor string // where the worker listens after a restart
		want      string
		missing   string
	}{
		{name: "nothing", last: coordinator.Attempt{Addr: deadAddr(t)}},
		{name: "all in the tree", last: coordinator.Attempt{Addr: deadAddr(t), Stdout: []byte("hi\n"), StdoutBytes: 3}, want: "hi\n"},
		{name: "from the worker", last: coordinator.Attempt{Addr: serves, Stdout: []byte(whole[len(whole)-tail:]), StdoutBytes: int64(len(whole))}, want: whole},
		{
			name: "from the worker started again", successor: serves, want: whole,
			last: coordinator.Attempt{Worker: "w1-0a0a0a0a", Addr: deadAddr(t), Stdout: []byte(whole[len(whole)-tail:]), StdoutBytes: int64(len(whole))},
		},
		{
			name: "worker gone", want: whole[len(whole)-tail:], missing: "16384 of 32000 bytes of stdout",
			last: coordinator.Attempt{Worker: "w1-0a0a0a0a", Addr: deadAddr(t), Stdout: []byte(whole[len(whole)-tail:]), StdoutBytes: int64(len(whole))},
		},
		{
			name: "worker kept less, and the tail has the rest", want: whole[:20<<10] + whole[20<<10:],
			last: coordinator.Attempt{Addr: cut, Stdout: []byte(whole[len(whole)-tail:]), StdoutBytes: int64(len(whole))},
		},
		{
			name: "worker kept less, and the middle is gone", want: whole[:20<<10] + whole[len(whole)-100:], missing: "20580 of 32000 bytes of stdout",
			last: coordinator.Attempt{Addr: cut, Stdout: []byte(whole[len(whole)-100:]), StdoutBytes: int64(len(whole))},
		},
		{
			name: "no address", want: whole[len(whole)-tail:], missing: "serves no output",
			last: coordinator.Attempt{Stdout: []byte(whole[len(whole)-tail:]), StdoutBytes: int64(len(whole))},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := server(t)
			s := connect(t, addr)
			h, err := open(t, addr).Submit(t.Context(), coordinator.Spec{Shell: "true"})
			if err != nil {
				t.Fatal(err)
			}
			if tt.successor != "" {
				reg := coordinator.Registration{Name: "w1", Addr: tt.successor}
				if _, err := s.Create(t.Context(), coordinator.WorkerPath("w1-0b0b0b0b"), reg.Encode(), coordinator.Ephemeral); err != nil {
					t.Fatal(err)
				}
			}
			r := submit.Result{ID: h.ID(), Status: coordinator.StatusDone, Attempts: 2, Last: tt.last}
			var got bytes.Buffer
			err = h.Output(t.Context(), r, submit.Stdout, &got)
			if got.String() != tt.want {
				t.Errorf("output has %d bytes, want %d", got.Len(), len(tt.want))
			}
			if tt.missing == "" && err != nil || tt.missing != "" && (err == nil || !strings.Contains(err.Error(), tt.missing)) {
				t.Errorf("error = %v, want %q", err, tt.missing)
			}
		})
	}
}

// A task whose first attempt is lost while it is followed: what both print is
// shown, and the second is complete.
func TestFollowGoesFromAttemptToAttempt(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	c := open(t, addr)
	h, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	w := workerHTTP(t, map[string]string{
		fmt.Sprintf("%s/1/stdout", h.ID()): "first\n",
		fmt.Sprintf("%s/2/stdout", h.ID()): "second: be",
		fmt.Sprintf("%s/2/stderr", h.ID()): "oops\n",
	})
	ctx := t.Context()
	assign := func(instance string, attempt int) {
		t.Helper()
		data := coordinator.Assignment{Attempt: attempt}.Encode()
		_, err := s.Multi(ctx,
			coordinator.CreateOp(coordinator.WorkerPath(instance), coordinator.Registration{Addr: w}.Encode(), coordinator.Ephemeral),
			coordinator.CreateOp(coordinator.AssignmentsPath(instance), nil, coordinator.Persistent),
			coordinator.CreateOp(coordinator.AssignmentPath(instance, h.ID()), data, coordinator.Persistent))
		if err != nil {
			t.Fatal(err)
		}
	}
	assign("w1-0", 1)
	attempts := make(chan string, 8)
	var stdout, stderr bytes.Buffer
	done := make(chan error, 1)
	go func() {
		r, err := h.Follow(ctx, submit.Follower{Stdout: &stdout, Stderr: &stderr, Attempt: func(n int, worker string) {
			attempts <- fmt.Sprintf("%d %s", n, worker)
		}})
		if err == nil && r.Attempts != 2 {
			err = fmt.Errorf("result is of attempt %d, want 2", r.Attempts)
		}
		done <- err
	}()
	if got := <-attempts; got != "1 w1-0" {
		t.Errorf("first attempt is %q, want 1 w1-0", got)
	}
	if err := s.Delete(ctx, coordinator.AssignmentPath("w1-0", h.ID()), coordinator.AnyVersion); err != nil {
		t.Fatal(err)
	}
	assign("w2-0", 2)
	if got := <-attempts; got != "2 w2-0" {
		t.Errorf("second attempt is %q, want 2 w2-0", got)
	}
	last := coordinator.Attempt{Worker: "w2-0", Addr: w, Stdout: []byte("second: begun and done\n"), StdoutBytes: 23, Stderr: []byte("oops\n"), StderrBytes: 5}
	if err := finish(s, h.ID(), coordinator.StatusDone, coordinator.Attempt{Outcome: coordinator.OutcomeLost}, last); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := "first\nsecond: begun and done\n"; stdout.String() != want {
		t.Errorf("stdout = %q, want %q", stdout.String(), want)
	}
	if want := "oops\n"; stderr.String() != want {
		t.Errorf("stderr = %q, want %q", stderr.String(), want)
	}
}

// The master knows which worker had a task that it cancelled, not what it
// printed: that is still on the worker's disk.
func TestOutputOfAnUnreportedAttemptComesFromItsWorker(t *testing.T) {
	const id coordinator.TaskID = "task-0000000000"
	serves := workerHTTP(t, map[string]string{fmt.Sprintf("%s/1/stdout", id): "precious\n"})
	tests := []struct {
		name     string
		outcome  coordinator.Outcome
		instance string // who is registered; empty: nobody
		addr     string
		stream   submit.Stream
		want     string
		missing  string
	}{
		{name: "cancelled", outcome: coordinator.OutcomeCancelled, instance: "w1-0a0a0a0a", addr: serves, stream: submit.Stdout, want: "precious\n"},
		{name: "nothing printed", outcome: coordinator.OutcomeCancelled, instance: "w1-0a0a0a0a", addr: serves, stream: submit.Stderr},
		{name: "lost, and started again", outcome: coordinator.OutcomeLost, instance: "w1-0b0b0b0b", addr: serves, stream: submit.Stdout, want: "precious\n"},
		{name: "started again without it", outcome: coordinator.OutcomeLost, instance: "w1-0b0b0b0b", addr: serves, stream: submit.Stderr, missing: "no output there"},
		{name: "gone", outcome: coordinator.OutcomeCancelled, stream: submit.Stdout, missing: "0 bytes of stdout, perhaps not all: worker w1-0a0a0a0a is gone"},
		{name: "unreachable", outcome: coordinator.OutcomeCancelled, instance: "w1-0a0a0a0a", addr: deadAddr(t), stream: submit.Stdout, missing: "connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := server(t)
			s := connect(t, addr)
			if tt.instance != "" {
				reg := coordinator.Registration{Name: "w1", Addr: tt.addr}
				if _, err := s.Create(t.Context(), coordinator.WorkerPath(tt.instance), reg.Encode(), coordinator.Ephemeral); err != nil {
					t.Fatal(err)
				}
			}
			r := submit.Result{ID: id, Status: coordinator.StatusCancelled, Attempts: 1, Last: coordinator.Attempt{Worker: "w1-0a0a0a0a", Outcome: tt.outcome}}
			var got bytes.Buffer
			err := open(t, addr).Handle(id).Output(t.Context(), r, tt.stream, &got)
			if got.String() != tt.want {
				t.Errorf("output = %q, want %q", got.String(), tt.want)
			}
			if tt.missing == "" && err != nil || tt.missing != "" && (err == nil || !strings.Contains(err.Error(), tt.missing)) {
				t.Errorf("error = %v, want %q", err, tt.missing)
			}
		})
	}
}

// A worker listens on loopback unless told otherwise, so from another machine
// nothing came, and nothing was said.
func TestFollowTellsOfAWorkerThatCannotBeReached(t *testing.T) {
	addr := server(t)
	s := connect(t, addr)
	h, err := open(t, addr).Submit(t.Context(), coordinator.Spec{Shell: "true"})
	if err != nil {
		t.Fatal(err)
	}
	nowhere := deadAddr(t)
	_, err = s.Multi(t.Context(),
		coordinator.CreateOp(coordinator.WorkerPath("w1-0"), coordinator.Registration{Addr: nowhere}.Encode(), coordinator.Ephemeral),
		coordinator.CreateOp(coordinator.AssignmentsPath("w1-0"), nil, coordinator.Persistent),
		coordinator.CreateOp(coordinator.AssignmentPath("w1-0", h.ID()), coordinator.Assignment{Attempt: 1}.Encode(), coordinator.Persistent))
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 8)
	done := make(chan error, 1)
	var stdout bytes.Buffer
	go func() {
		_, err := h.Follow(t.Context(), submit.Follower{Stdout: &stdout, Stderr: io.Discard, Unreachable: func(worker string, err *submit.UnreachableError) {
			told <- fmt.Sprintf("%s %s %v", worker, err.Addr, err.Err)
		}})
		done <- err
	}()
	if got, want := <-told, "w1-0 "+nowhere+" connection refused"; got != want {
		t.Errorf("told of %q, want %q", got, want)
	}
	if err := finish(s, h.ID(), coordinator.StatusDone, coordinator.Attempt{Addr: nowhere, Stdout: []byte("hi\n"), StdoutBytes: 3}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || stdout.String() != "hi\n" {
		t.Errorf("followed: %v, %q on stdout, want hi", err, stdout.String())
	}
	if len(told) > 0 {
		t.Errorf("told again: %q", <-told)
	}
}
