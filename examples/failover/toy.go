package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The service of the demo is a process that may use a resource which others use,
// too: it is active while it does. It takes its orders on a socket.
//
//	failover service DIR RESOURCE    be it, with its socket and pid in DIR
//	failover tell DIR ORDER N        give it an order: check, active or standby
//	failover fence DIR RESOURCE N    see to it that it is not active below N
func toy(ctx context.Context, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "service":
		return serve(ctx, args[1], &resource{dir: args[2]})
	case len(args) == 4 && args[0] == "tell":
		return tell(args[1], args[2]+" "+args[3])
	case len(args) == 4 && args[0] == "fence":
		n, err := strconv.ParseInt(args[3], 10, 64)
		if err != nil {
			return err
		}
		return fence(args[1], &resource{dir: args[2]}, n)
	}
	return fmt.Errorf("%q is no command of the demo", args)
}

// serve obeys orders until ctx ends.
func serve(ctx context.Context, dir string, r *resource) error {
	socket := filepath.Join(dir, "socket")
	_ = os.Remove(socket)
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		line, _ := bufio.NewReader(conn).ReadString('\n')
		answer := "ok"
		if err := obey(r, filepath.Base(dir), line); err != nil {
			answer = err.Error()
		}
		fmt.Fprintln(conn, answer)
		conn.Close()
	}
}

// obey carries out one order, unless a later one of a greater number is known.
func obey(r *resource, name, line string) error {
	var order string
	var n int64
	if _, err := fmt.Sscan(line, &order, &n); err != nil {
		return err
	}
	switch order {
	case "active":
		return r.use(name, n)
	case "standby":
		return r.leave(n)
	case "check": // 0: that it lives is enough
		if n != 0 && n != r.number {
			return fmt.Errorf("not active with %d", n)
		}
		return nil
	}
	return fmt.Errorf("%q is no order", order)
}

// tell gives an order and waits for the answer, a second at most.
func tell(dir, order string) error {
	conn, err := net.DialTimeout("unix", filepath.Join(dir, "socket"), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprintln(conn, order)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && answer != "ok\n" {
		err = errors.New(strings.TrimSpace(answer))
	}
	return err
}

// fence first closes the resource to all numbers below n: orders that are still on
// their way, or that somebody who slept will give, come to nothing. Then it asks
// the service to leave the resource, and kills it if it does not. (On another
// machine that would be done by ssh, or by a switch of its power.)
func fence(dir string, r *resource, n int64) error {
	if err := r.promise(n); err != nil {
		return err
	}
	if tell(dir, fmt.Sprintf("standby %d", n)) == nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has never run
	}
	pid, bad := strconv.Atoi(string(text))
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	for end := time.Now().Add(hookTimeout / 2); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, syscall.SIGKILL), syscall.ESRCH) {
			return nil // it is dead, and what it held is free
		}
	}
	return fmt.Errorf("process %d does not die", pid)
}
