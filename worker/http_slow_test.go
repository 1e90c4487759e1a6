package worker

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/zkserver/zktest"
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

// A client that only waits, for output that has yet to come or for the end, is
// not slow.
func TestFollowerMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 30 * time.Second
		l := zktest.NewListener()
		server := &http.Server{
			WriteTimeout: patience,
			Handler: evictSlow(patience, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				flush := http.NewResponseController(rw)
				for range 2 {
					_, _ = io.WriteString(rw, "line\n")
					_ = flush.Flush()
					time.Sleep(3 * patience)
				}
			})),
		}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(l) })
		defer serving.Wait()
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); string(b) != "line\nline\n" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
	})
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
