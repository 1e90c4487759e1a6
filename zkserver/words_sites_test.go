package zkserver_test

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
)

// ask sends a GET with the given Host.
func ask(t *testing.T, url, host string) int {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = host
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestAdminServerIsNotAskedUnderAnotherName(t *testing.T) {
	s := run(t, zkserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Operators: zkserver.Operators{Admin: "127.0.0.1:0"}})
	url := "http://" + s.AdminAddr().String() + "/commands/ruok"
	if got := ask(t, url, ""); got != http.StatusOK {
		t.Errorf("by address: %d", got)
	}
	if got := ask(t, url, "evil.example:8080"); got != http.StatusMisdirectedRequest {
		t.Errorf("by a name of somebody else's: %d", got)
	}
}

// An address opens connections to the AdminServer and sends nothing: it has a
// bound, and there is room again when they go.
func TestConnectionsOfOperatorsAreBounded(t *testing.T) {
	const most = 64
	s := run(t, zkserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Operators: zkserver.Operators{Admin: "127.0.0.1:0"}})
	addr := s.AdminAddr().String()
	open := make([]net.Conn, 3*most)
	ended := make(chan bool, len(open))
	for i := range open {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		open[i] = nc
		go func() { // ends with the connection
			nc.Read(make([]byte, 1))
			ended <- true
		}()
	}
	deadline := time.After(30 * time.Second)
	for range len(open) - most {
		select {
		case <-ended:
		case <-deadline:
			t.Fatal("connections above the bound are not closed within 30s")
		}
	}
	for _, nc := range open {
		nc.Close()
	}
	eventually(t, "there is room again", func() bool {
		resp, err := http.Get("http://" + addr + "/commands/ruok")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
}
