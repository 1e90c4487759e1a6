package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/examples/service"
	"github.com/mwqueue/mw/zkserver/reference"
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
