package zkserver_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
)

func TestOpenSaysInOneLineWhatIsWrong(t *testing.T) {
	inUse := t.TempDir()
	first, err := zkserver.Open(zkserver.Config{Listen: "127.0.0.1:0", Dir: inUse})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		name string
		cfg  zkserver.Config
		want string // in the error
	}{
		{"no directory", zkserver.Config{}, "no data directory"},
		{"directory in use", zkserver.Config{Dir: inUse}, inUse},
		{"directory is a file", zkserver.Config{Dir: file}, file},
		{"address in use", zkserver.Config{Dir: t.TempDir(), Listen: first.Addr().String()}, "address already in use"},
		{"no such address", zkserver.Config{Dir: t.TempDir(), Listen: "nowhere"}, "nowhere"},
		{"timeouts crossed", zkserver.Config{Dir: t.TempDir(), MaxSessionTimeout: time.Millisecond}, "session timeout"},
		{"requests larger than the log takes", zkserver.Config{Dir: t.TempDir(), MaxFrame: 64<<20 + 1}, "fit the log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.cfg.Listen == "" {
				tt.cfg.Listen = "127.0.0.1:0"
			}
			s, err := zkserver.Open(tt.cfg)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if msg := err.Error(); !strings.Contains(msg, tt.want) || strings.Contains(msg, "\n") {
				t.Errorf("error is %q, want one line with %q", msg, tt.want)
			}
		})
	}
}

func TestCloseLetsGoOfPortAndDirectory(t *testing.T) {
	dir := t.TempDir()
	var addr net.Addr
	for range 2 {
		cfg := zkserver.Config{Listen: "127.0.0.1:0", Dir: dir}
		if addr != nil {
			cfg.Listen = addr.String()
		}
		s, err := zkserver.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		addr = s.Addr()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
