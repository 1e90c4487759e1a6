package wire_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

var recordFrom = flag.String("record", "", "record testdata anew from the empty Apache ZooKeeper at `host:port`")

// TestRecord writes the recordings in testdata. It is skipped unless -record
// names a server; testdata/README.md says how to start one.
func TestRecord(t *testing.T) {
	if *recordFrom == "" {
		t.Skip("no -record")
	}
	rec := &recorder{server: *recordFrom}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { rec.serve(ln) })

	java := exec.CommandContext(t.Context(), "java", "-cp", "/usr/share/java/zookeeper.jar", "testdata/Record.java", ln.Addr().String())
	java.Stderr = os.Stderr
	told, err := java.Output()
	if err != nil {
		t.Fatalf("run Record.java: %v", err)
	}
	ln.Close()
	wg.Wait()

	if err := os.WriteFile("testdata/told.txt", told, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/java-3.8.0.txt", rec.out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A recorder is a proxy that writes down every frame before it passes it on.
type recorder struct {
	server string

	mu    sync.Mutex // protects the fields below
	conns int
	out   bytes.Buffer
}

func (r *recorder) serve(ln net.Listener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.server)
		if err != nil {
			client.Close()
			continue
		}
		r.mu.Lock()
		r.conns++
		n := r.conns
		r.mu.Unlock()
		wg.Go(func() { r.pump(n, ">", client, server) })
		wg.Go(func() { r.pump(n, "<", server, client) })
	}
}

// pump passes frames on until one end closes, or the client asks for /cut.
func (r *recorder) pump(conn int, arrow string, from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	for {
		b, err := wire.ReadFrame(from, nil, wire.MaxFrame)
		if err != nil {
			return
		}
		if bytes.Contains(b, []byte("/cut")) {
			return
		}
		r.mu.Lock()
		fmt.Fprintf(&r.out, "%d %s %x\n", conn, arrow, b)
		r.mu.Unlock()
		frame, start := wire.BeginFrame(nil)
		if _, err := to.Write(wire.EndFrame(append(frame, b...), start)); err != nil && !errors.Is(err, net.ErrClosed) {
			return
		}
	}
}
