package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

const (
	// followEvery is how often an output that is followed is looked at.
	followEvery = 100 * time.Millisecond

	// writePatience is how long a client may take to read what it is sent.
	writePatience = 30 * time.Second

	// maxRequests bounds the requests served at once; a follower is one.
	maxRequests = 1024
)

// serveHTTP serves outputs until ctx ends.
//
//	GET /output/<task>/<attempt>/<stdout|stderr>[?follow=1]
//	GET /healthz
func (w *Worker) serveHTTP(ctx context.Context) {
	routes := guardBrowsers(evictSlow(writePatience, w.routes()))
	server := &http.Server{
		Handler:           coordinator.LimitRequests(maxRequests, coordinator.CheckHost(routes, w.advertised, w.cfg.Listen)),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      writePatience,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			w.cfg.Log.Error().Err(err).Msg("outputs are not served any more")
		}
	})
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(last) != nil { // who follows an output got the rest of it
		_ = server.Close()
	}
	serving.Wait()
}

func (w *Worker) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /output/{task}/{attempt}/{stream}", w.getOutput)
	mux.HandleFunc("GET /healthz", w.getHealth)
	return mux
}

// evictSlow ends the connections of clients that do not read: each write, of an
// output of any length, may take that long. So may the last one, which the server
// makes when next has returned: a follower may have been silent since the one
// before.
func evictSlow(patience time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &patientWriter{rw, http.NewResponseController(rw), patience}
		next.ServeHTTP(w, r)
		_ = w.extend() // without, the last write fails or not
	})
}

// patientWriter gives each write a deadline of its own. It has no ReadFrom,
// which would be one write for a whole file.
type patientWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
}

func (w *patientWriter) Write(b []byte) (int, error) {
	if err := w.extend(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func (w *patientWriter) extend() error {
	return w.control.SetWriteDeadline(time.Now().Add(w.patience))
}

// Unwrap lets http.ResponseController flush.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guardBrowsers lets no browser take an output for something to run, nor keep it.
func guardBrowsers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Content-Type-Options", "nosniff")
		rw.Header().Set("Content-Security-Policy", "default-src 'none'")
		rw.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(rw, r)
	})
}

// getOutput serves what is kept of a stream. While the attempt runs that is
// what there is so far, with follow=1 until it ends. No output is kept of an
// attempt that printed nothing: 404 once it has ended.
func (w *Worker) getOutput(rw http.ResponseWriter, r *http.Request) {
	id, err := coordinator.ParseTaskID(r.PathValue("task"))
	number, numberErr := strconv.Atoi(r.PathValue("attempt"))
	stream := r.PathValue("stream")
	if err != nil || numberErr != nil || number < 1 || stream != "stdout" && stream != "stderr" {
		http.Error(rw, "want /output/<task>/<attempt>/<stdout|stderr>", http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	ended := w.store.running(id, number)
	if r.URL.Query().Get("follow") == "1" && ended != nil {
		f := follower{open: func() (*os.File, error) { return w.store.open(id, number, stream) }}
		f.copy(r.Context(), rw, ended)
		return
	}
	f, err := w.store.open(id, number, stream)
	switch {
	case errors.Is(err, fs.ErrNotExist) && ended != nil:
		return // nothing yet
	case errors.Is(err, fs.ErrNotExist):
		http.Error(rw, "no such output here", http.StatusNotFound)
		return
	case err != nil:
		http.Error(rw, "output not readable", http.StatusInternalServerError)
		w.cfg.Log.Warn().Str("task", string(id)).Err(err).Msg("output not readable")
		return
	}
	defer f.Close()
	http.ServeContent(rw, r, "", time.Time{}, f)
}

// follower copies a file that grows.
type follower struct {
	open func() (*os.File, error)
	file *os.File // nil until there is one
}

// copy copies until the attempt has ended and all is copied, or ctx ends.
func (f *follower) copy(ctx context.Context, rw http.ResponseWriter, ended <-chan struct{}) {
	defer func() {
		if f.file != nil {
			_ = f.file.Close()
		}
	}()
	flush := http.NewResponseController(rw)
	_ = flush.Flush() // tells the client that we are there
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for last := false; ; {
		n, err := f.more(rw)
		if err != nil || last {
			return
		}
		if n > 0 {
			_ = flush.Flush()
		}
		select {
		case <-tick.C:
		case <-ended:
			last = true
		case <-ctx.Done():
			return
		}
	}
}

// more copies what has been added to the file.
func (f *follower) more(to io.Writer) (int64, error) {
	if f.file == nil {
		file, err := f.open()
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		f.file = file
	}
	return io.Copy(to, f.file)
}

// getHealth says that the worker is there, and how many attempts it makes.
func (w *Worker) getHealth(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(map[string]any{
		"name": w.cfg.Name, "slots": w.cfg.Slots, "running": w.store.count(), "version": w.cfg.Version,
	})
}
