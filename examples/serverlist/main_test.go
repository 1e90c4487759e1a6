package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/examples/service"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// TestMain lets the story start this program as a server.
func TestMain(m *testing.M) {
	if os.Getenv("SERVERLIST") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestListFollowsServersAsTheyComeAndGo(t *testing.T) { listFollows(t, "") }

func TestInteropListFollowsServersAsTheyComeAndGo(t *testing.T) {
	reference.Need(t)
	listFollows(t, reference.Start(t).Addr()+"/chroot")
}

func listFollows(t *testing.T, servers string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg, stop, err := service.Open(servers)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var out bytes.Buffer
	if err := story(ctx, &out, cfg); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("\n%s", &out)
	if !strings.HasSuffix(out.String(), "a client sees [web3:80]\n") {
		t.Error("the list is another in the end")
	}
}

// A client that loses its session, for the service was away, says so and follows on.
func TestAClientFollowsThroughTheLossOfItsSession(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	proxy := zktest.NewProxy(t, zktest.NewServer(t).Addr())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- follow(ctx, write, coordinator.Config{Servers: []string{proxy.Addr()}, SessionTimeout: time.Second, ConnectTimeout: time.Minute})
	}()
	lines := bufio.NewScanner(read)
	for _, want := range []string{"servers: []", "servers: as they were; ", "servers: []"} {
		for lines.Scan() && !strings.HasPrefix(lines.Text(), want) {
		}
		if err := lines.Err(); err != nil || !strings.HasPrefix(lines.Text(), want) {
			t.Fatalf("%q, %v; want %q", lines.Text(), err, want)
		}
		switch {
		case strings.Contains(want, "as they were"):
			proxy.SetMode(zktest.Pass)
		default:
			proxy.SetMode(zktest.Silence)
		}
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, read) }()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Without a service, one that is told to end used to fail with what it waited for.
func TestAClientWhoseTimeIsOverSaysNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := follow(ctx, &out, coordinator.Config{Servers: []string{"127.0.0.1:1"}}); err != nil || out.Len() > 0 {
		t.Errorf("it ends with %v and says %q", err, out.String())
	}
}
