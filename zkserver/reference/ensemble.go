package reference

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An Ensemble is several Apache ZooKeepers that are one service.
type Ensemble struct {
	Servers []*Server // member N is Servers[N-1]
}

// StartEnsemble starts an ensemble of n servers, each as [Start] does, and waits
// until all of them serve.
func StartEnsemble(t testing.TB, n int, lines ...string) *Ensemble {
	t.Helper()
	lines = append([]string{"initLimit=20", "syncLimit=10"}, lines...)
	for number := range n {
		lines = append(lines, fmt.Sprintf("server.%d=127.0.0.1:%s:%s", number+1, freePort(t), freePort(t)))
	}
	e := &Ensemble{}
	for number := range n {
		s := newServer(t, lines...)
		data := filepath.Join(s.dir, "data")
		if err := os.MkdirAll(data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "myid"), fmt.Append(nil, number+1), 0o600); err != nil {
			t.Fatal(err)
		}
		s.launch()
		e.Servers = append(e.Servers, s)
	}
	for _, s := range e.Servers {
		s.await()
	}
	return e
}

// Connect returns the addresses of all members, with commas.
func (e *Ensemble) Connect() string {
	var all []string
	for _, s := range e.Servers {
		all = append(all, s.addr)
	}
	return strings.Join(all, ",")
}

// Leader waits until there is one among those that run, and returns it.
func (e *Ensemble) Leader(t testing.TB) *Server {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, s := range e.Servers {
			if s.Mode() == "leader" {
				return s
			}
		}
	}
	t.Fatal("reference: no leader")
	return nil
}

// freePort returns the port of FreeAddr.
func freePort(t testing.TB) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(FreeAddr(t))
	return port
}
