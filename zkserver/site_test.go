package zkserver

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestTroubleOverHTTPIsLoggedLikeAllElse(t *testing.T) {
	var log bytes.Buffer
	httpErrors(zerolog.New(&log)).Print("http: Accept error: too many open files; retrying in 5ms")
	if want := `{"level":"warn","err":"http: Accept error: too many open files; retrying in 5ms",`; !strings.HasPrefix(log.String(), want) {
		t.Errorf("log is %q, want %q", log.String(), want)
	}
	s := &Server{cfg: Config{Log: zerolog.New(&log), Operators: Operators{Admin: "127.0.0.1:0"}}}
	defer s.closeDoors()
	if err := s.openSites(); err != nil {
		t.Fatal(err)
	}
	if s.sites[0].server.ErrorLog == nil {
		t.Error("the AdminServer writes plain lines to stderr")
	}
}
