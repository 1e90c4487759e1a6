package zkserver

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestConnectionsStayWithinTheOpenFiles(t *testing.T) {
	tests := []struct{ limit, want, perAddr int }{{20_000, 10_000, 5000}, {1024, 924, 924}, {50, 1, 1}}
	for _, tt := range tests {
		var log bytes.Buffer
		cfg, err := Config{Dir: "x", Log: zerolog.New(&log)}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		cfg = cfg.withinFiles(tt.limit)
		if cfg.MaxConns != tt.want || cfg.MaxConnsPerAddr != tt.perAddr {
			t.Errorf("with %d files: %d connections, %d of an address; want %d, %d",
				tt.limit, cfg.MaxConns, cfg.MaxConnsPerAddr, tt.want, tt.perAddr)
		}
		if warned := strings.Contains(log.String(), "open files"); warned != (tt.want != 10_000) {
			t.Errorf("with %d files: log is %q", tt.limit, log.String())
		}
	}
}

func TestFilesOfOperatorsAreNotForConnections(t *testing.T) {
	cfg, err := Config{Dir: "x", Control: true, Operators: Operators{Admin: ":1", Metrics: ":2"}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.withinFiles(1024).MaxConns, 1024-filesReserved-2*maxSiteConns-maxControlConns; got != want {
		t.Errorf("%d connections, want %d", got, want)
	}
}
