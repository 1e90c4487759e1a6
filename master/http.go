package master

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

// errServe: the HTTP server ended by itself.
var errServe = errors.New("master: serve HTTP")

// serve starts the HTTP server, which runs until it is closed. Should it end
// before, it stops the master.
func (m *Master) serve(wg *sync.WaitGroup, stop context.CancelCauseFunc) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", m.healthz)
	mux.HandleFunc("GET /api/board", m.apiBoard)
	server := &http.Server{
		Handler:           coordinator.LimitRequests(requestsMax, coordinator.CheckHost(mux, m.advertised, m.cfg.Listen)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	wg.Go(func() {
		if err := server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
			stop(fmt.Errorf("%w: %w", errServe, err))
		}
	})
	return server
}

// requestsMax bounds the requests served at a time.
const requestsMax = 100

// healthz answers 200 when the master has a session, and says what it is
// doing; else 503.
func (m *Master) healthz(w http.ResponseWriter, r *http.Request) {
	v := m.look(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if v.Role == roleConnecting {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, v.Role)
}

// apiBoard answers with the [View].
func (m *Master) apiBoard(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(m.look(r.Context())) // the reader has gone
}

// The roles of a View.
const (
	roleLeading    = "leading"
	roleStandby    = "standby"
	roleConnecting = "connecting"
)

// lookTime is how long the loop that owns the board may be busy before we say
// that there is none.
const lookTime = 2 * time.Second

// look asks the loop that owns the board.
func (m *Master) look(ctx context.Context) View {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	reply := make(chan View, 1)
	select {
	case m.views <- reply:
		return <-reply
	case <-ctx.Done():
		return View{Role: roleConnecting, Addr: m.advertised, Workers: []WorkerView{}, Moves: []MoveView{}}
	}
}
