package coordinator_test

import (
	"net"
	"os"
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

func TestAdvertise(t *testing.T) {
	host, err := os.Hostname()
	must(t, err)
	for _, tt := range []struct{ listens, want string }{
		{"127.0.0.1:2223", "127.0.0.1:2223"},
		{"10.0.0.7:2223", "10.0.0.7:2223"},
		{"0.0.0.0:2223", net.JoinHostPort(host, "2223")},
		{"[::]:2223", net.JoinHostPort(host, "2223")},
	} {
		addr, err := net.ResolveTCPAddr("tcp", tt.listens)
		must(t, err)
		if got := coordinator.Advertise(addr); got != tt.want {
			t.Errorf("Advertise(%s) = %s, want %s", tt.listens, got, tt.want)
		}
	}
}
