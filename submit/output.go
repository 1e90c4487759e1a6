package submit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// A Stream is one of a command's two outputs.
type Stream string

const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// A PartialError says that only a part of an output could be had: its end is
// in the tree, the rest was on a worker that is gone or does not have it.
type PartialError struct {
	Stream Stream
	Got    int64 // bytes that were written out
	Total  int64 // bytes the command printed; negative: nobody knows
	Err    error // why the worker did not give the rest
}

func (e *PartialError) Error() string {
	if e.Total < 0 {
		return fmt.Sprintf("submit: %d bytes of %s, perhaps not all: %v", e.Got, e.Stream, e.Err)
	}
	return fmt.Sprintf("submit: %d of %d bytes of %s: %v", e.Got, e.Total, e.Stream, e.Err)
}

func (e *PartialError) Unwrap() error { return e.Err }

// An UnreachableError says that a worker did not answer where it serves output.
type UnreachableError struct {
	Addr string
	Err  error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("submit: worker at %s: %v", e.Addr, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Output writes what the last attempt of an ended task printed on stream to
// w: from the tree when the tail there is all of it, else from the worker's
// disk. When the worker cannot be asked, it writes the tail and returns a
// [PartialError]. An error of w comes back as it is.
//
// Of an attempt that the master ended (cancelled, lost), the tree has nothing;
// what the worker has is copied, waiting up to 2 s for the command to stop.
func (h *Handle) Output(ctx context.Context, r Result, stream Stream, w io.Writer) error {
	return h.outputFrom(ctx, r, stream, 0, w)
}

// outputFrom is Output without the first bytes, which have been shown already.
func (h *Handle) outputFrom(ctx context.Context, r Result, stream Stream, from int64, w io.Writer) error {
	if unreported(r.Last) {
		return h.salvage(ctx, r, stream, from, w)
	}
	tail, total := r.Last.Stdout, r.Last.StdoutBytes
	if stream == Stderr {
		tail, total = r.Last.Stderr, r.Last.StderrBytes
	}
	start := max(0, total-int64(len(tail))) // what the tail begins with
	if from >= start {
		skip := min(from-start, int64(len(tail)))
		_, err := w.Write(tail[skip:])
		return err
	}

	sink := &sink{w: w}
	err := h.fetch(ctx, r, stream, from, sink)
	if sink.err != nil {
		return sink.err
	}
	got := from + sink.n
	if err == nil && got >= total {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		err = errors.New("the worker kept no more")
	}
	if rest := max(got, start) - start; rest < int64(len(tail)) {
		n, werr := w.Write(tail[rest:])
		if werr != nil {
			return werr
		}
		got += int64(n)
	}
	if got >= total {
		return nil
	}
	return &PartialError{Stream: stream, Got: got, Total: total, Err: err}
}

// unreported reports whether the master recorded the attempt, who knows which
// worker had it and nothing of its output.
func unreported(a coordinator.Attempt) bool {
	ended := a.Outcome == coordinator.OutcomeCancelled || a.Outcome == coordinator.OutcomeLost
	return ended && a.Worker != "" && a.Addr == "" && a.StdoutBytes == 0 && a.StderrBytes == 0
}

// salvage copies what the worker has of an attempt that it did not report.
func (h *Handle) salvage(ctx context.Context, r Result, stream Stream, from int64, w io.Writer) error {
	sink := &sink{w: w}
	err := h.salvageTo(ctx, r, stream, from, sink)
	if sink.err != nil {
		return sink.err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return &PartialError{Stream: stream, Got: from + sink.n, Total: -1, Err: err}
	}
	return nil
}

func (h *Handle) salvageTo(ctx context.Context, r Result, stream Stream, from int64, w io.Writer) error {
	workers, err := h.c.Workers(ctx)
	if err != nil {
		return err
	}
	addr, same := nowAt(workers, r.Last.Worker)
	if addr == "" {
		return fmt.Errorf("worker %s is gone", r.Last.Worker)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, drainOutput, errStopping)
	defer cancel()
	err = h.get(ctx, addr, r.Attempts, stream, from, true, w)
	switch {
	case same && errors.Is(err, errNone):
		return nil // it printed nothing, or was not begun
	case err != nil && errors.Is(context.Cause(ctx), errStopping):
		return errStopping
	}
	return err
}

// errStopping: a command that was cancelled takes its time.
var errStopping = errors.New("the command has not stopped yet")

// nowAt finds where a worker listens now: a restart gives it a new instance,
// which is not the same, and perhaps another port, but the same name and disk.
func nowAt(workers []Worker, instance string) (addr string, same bool) {
	name := coordinator.InstanceName(instance)
	for _, w := range workers {
		switch {
		case !w.Alive || w.Addr == "":
		case w.Instance == instance:
			return w.Addr, true
		case name != instance && w.Name == name:
			addr = w.Addr
		}
	}
	return addr, false
}

// fetch copies an ended attempt's output from the worker that ran it, or from
// a later registration of the same worker.
func (h *Handle) fetch(ctx context.Context, r Result, stream Stream, from int64, w io.Writer) error {
	a := r.Last
	err := errors.New("the worker serves no output")
	if a.Addr != "" {
		if err = h.get(ctx, a.Addr, r.Attempts, stream, from, false, w); err == nil {
			return nil
		}
	}
	if !unreachable(err) {
		return err
	}
	addr, found := h.successor(ctx, a)
	if !found {
		return err
	}
	return h.get(ctx, addr, r.Attempts, stream, from, false, w)
}

// successor finds where the worker of an attempt listens after a restart.
func (h *Handle) successor(ctx context.Context, a coordinator.Attempt) (addr string, ok bool) {
	workers, err := h.c.Workers(ctx)
	if err != nil {
		return "", false
	}
	addr, same := nowAt(workers, a.Worker)
	return addr, addr != "" && !same
}

// errStatus: the worker answered, but not with the output.
var errStatus = errors.New("no output")

// errNone: the worker answered that it keeps no such output.
var errNone = fmt.Errorf("%w there", errStatus)

// unreachable reports whether err leaves it open what the worker has.
func unreachable(err error) bool { return err != nil && !errors.Is(err, errStatus) }

// outputURL is where the worker at addr serves a stream of an attempt.
func (h *Handle) outputURL(addr string, attempt int, stream Stream) string {
	return fmt.Sprintf("http://%s/output/%s/%d/%s", addr, h.id, attempt, stream)
}

// get copies one stream of one attempt from the worker at addr. With follow
// it goes on until the attempt has ended.
func (h *Handle) get(ctx context.Context, addr string, attempt int, stream Stream, from int64, follow bool, w io.Writer) error {
	url := h.outputURL(addr, attempt, stream)
	if follow {
		url += "?follow=1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("worker at %q: %w", addr, err)
	}
	if from > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
	}
	resp, err := h.c.cfg.HTTP.Do(req)
	if err != nil {
		return &UnreachableError{Addr: addr, Err: cause(err)}
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
		from = 0
	case http.StatusOK:
	case http.StatusRequestedRangeNotSatisfiable:
		return nil // there is no more than what we have
	case http.StatusNotFound:
		return fmt.Errorf("worker at %s: %w", addr, errNone)
	default:
		return fmt.Errorf("worker at %s: %w: %s", addr, errStatus, resp.Status)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, from); err != nil {
		return fmt.Errorf("worker at %s: %w", addr, err)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("worker at %s: %w", addr, err)
	}
	return nil
}

// cause strips the method and URL that net/http puts before an error.
func cause(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// A sink counts what reaches w and remembers w's own error, which is told
// apart from a reader's that way.
type sink struct {
	w   io.Writer
	n   int64
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	if err != nil {
		s.err = err
	}
	return n, err
}

func newHTTPClient() *http.Client {
	dial := net.Dialer{Timeout: 2 * time.Second}
	return &http.Client{Transport: &http.Transport{
		DialContext:           dial.DialContext,
		ResponseHeaderTimeout: 5 * time.Second,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       30 * time.Second,
	}}
}
