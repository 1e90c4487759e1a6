package coordinator_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/mwqueue/mw/coordinator"
)

func ask(h http.Handler, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A web page's own name, made to mean this machine, is not answered.
func TestRequestsMustNameTheServer(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	h := coordinator.CheckHost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		"box.example:2190", "Listen.example:80", "", "bare.example", ":2190")
	for host, want := range map[string]int{
		"127.0.0.1:2190":          http.StatusOK,
		"10.1.2.3":                http.StatusOK,
		"[::1]:2190":              http.StatusOK,
		"[::1]":                   http.StatusOK,
		"[fe80::1%eth0]:2190":     http.StatusOK,
		"localhost":               http.StatusOK,
		"localhost.":              http.StatusOK,
		"LOCALHOST.:2190":         http.StatusOK,
		"box.example:2190":        http.StatusOK,
		"box.example.":            http.StatusOK,
		"listen.example:8080":     http.StatusOK, // as it is called by way of a tunnel
		"bare.example:1":          http.StatusOK,
		machine:                   http.StatusOK,
		"":                        http.StatusOK,
		"evil.example:2190":       http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example":  http.StatusMisdirectedRequest,
		"localhost.evil.example":  http.StatusMisdirectedRequest,
		"box.example.evil:2190":   http.StatusMisdirectedRequest,
		":2190":                   http.StatusMisdirectedRequest,
		".":                       http.StatusMisdirectedRequest,
		"localhost..":             http.StatusMisdirectedRequest,
		"a]b[":                    http.StatusMisdirectedRequest,
		strings.Repeat("x", 5000): http.StatusMisdirectedRequest,
	} {
		w := ask(h, host)
		if w.Code != want {
			t.Errorf("host %.40q: %d, want %d", host, w.Code, want)
		}
		if body := w.Body.String(); w.Code != http.StatusOK && (!strings.Contains(body, "box.example") || len(body) > 300) {
			t.Errorf("host %.40q: answer %q", host, body)
		}
	}
}

func TestRequestsBeyondTheLimitAreTurnedAway(t *testing.T) {
	var inner *httptest.ResponseRecorder
	var h http.Handler
	h = coordinator.LimitRequests(1, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if inner == nil { // while this request is being served
			inner = ask(h, "")
		}
	}))
	if w := ask(h, ""); w.Code != http.StatusOK || inner == nil || inner.Code != http.StatusServiceUnavailable {
		t.Errorf("the first request: %d; the one beside it: %+v", w.Code, inner)
	}
	if w := ask(h, ""); w.Code != http.StatusOK {
		t.Errorf("a request after the others have ended: %d", w.Code)
	}
}
