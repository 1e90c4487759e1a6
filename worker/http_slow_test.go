package worker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Who does not read what it asked for is not served for ever.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(evictSlow(100*time.Millisecond, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, err := io.Copy(rw, endless{})
		ended <- err
	})))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := await(t, "end of the answer", ended); err == nil {
		t.Error("an endless answer ended well")
	}
}

// A client that only waits, for output that has yet to come, is not slow.
func TestFollowerMayWait(t *testing.T) {
	const patience = 50 * time.Millisecond
	server := httptest.NewUnstartedServer(evictSlow(patience, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		flush := http.NewResponseController(rw)
		for range 2 {
			_, _ = io.WriteString(rw, "line\n")
			_ = flush.Flush()
			<-time.After(3 * patience)
		}
	})))
	server.Config.WriteTimeout = patience
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "line\nline\n" {
		t.Errorf("got %q", b)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
