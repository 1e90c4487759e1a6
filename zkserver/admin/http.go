package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// maxRequests is how many commands are carried out at a time; more are told to
// come back.
const maxRequests = 8

// Handler serves the AdminServer's commands below a path, such as /commands.
func Handler(src Source, path string) http.Handler {
	slots := make(chan struct{}, maxRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		name, below := strings.CutPrefix(q.URL.Path, path)
		switch {
		case !below || name != "" && name[0] != '/' || strings.Contains(strings.TrimPrefix(name, "/"), "/"):
			http.NotFound(w, q)
			return
		case q.Method != http.MethodGet && q.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the AdminServer's commands are asked for by GET", http.StatusMethodNotAllowed)
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			http.Error(w, fmt.Sprintf("%d commands are being carried out already", maxRequests), http.StatusServiceUnavailable)
			return
		}
		if name = strings.TrimPrefix(name, "/"); name == "" {
			writeIndex(w, path)
			return
		}
		if c := commandOf[name]; c != nil && c.reset != nil && !mayReset(w, q) {
			return
		}
		b, err := json.MarshalIndent(run(name, src), "", "  ")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(append(b, '\n'))
	})
}

// mayReset refuses what must not reset anything: pages of other sites, and HEAD,
// which asks about an answer and is sent by those who only look whether there is
// one. (RFC 9110, section 9.2.1: HEAD is safe.) The reference resets at a HEAD.
func mayReset(w http.ResponseWriter, q *http.Request) bool {
	switch {
	case isForeign(q):
		http.Error(w, "a page of another site may not reset anything", http.StatusForbidden)
	case q.Method != http.MethodGet:
		w.Header().Set("Allow", "GET")
		http.Error(w, "a reset is asked for by GET", http.StatusMethodNotAllowed)
	default:
		return true
	}
	return false
}

// writeIndex lists the commands, as links.
func writeIndex(w http.ResponseWriter, path string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	for _, c := range commands {
		fmt.Fprintf(w, "<a href=\"%s/%s\">%s</a>\n<br/>\n", path, c.name, c.name)
	}
}
