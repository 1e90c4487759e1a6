package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// outlivePipes keeps a write to stdout or stderr that nobody reads from ending
// this program, until restore is called: there is a task to cancel first. The
// write fails with EPIPE.
func outlivePipes() (restore func()) {
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	return func() { signal.Stop(pipes) }
}

// An unread is an output of ours that may lose its reader. From then on it
// throws away what it is given, so that the task is attended to its end. One
// goroutine at a time may write.
type unread struct {
	w       io.Writer
	signals chan<- os.Signal // gets one SIGPIPE; nil: nobody is to know
	gone    bool
}

func (u *unread) Write(p []byte) (int, error) {
	if u.gone {
		return len(p), nil
	}
	n, err := u.w.Write(p)
	if !errors.Is(err, syscall.EPIPE) {
		return n, err
	}
	u.gone = true
	select {
	case u.signals <- syscall.SIGPIPE:
	default: // or it is full of signals to end
	}
	return len(p), nil
}
