package zkserver_test

import (
	"net/http"
	"testing"

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
