package master

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRequestsMustNameTheServer(t *testing.T) {
	h := named(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "box.example:2190", "Listen.example:80", "")
	for host, want := range map[string]int{
		"127.0.0.1:2190":          http.StatusOK,
		"10.1.2.3":                http.StatusOK,
		"[::1]:2190":              http.StatusOK,
		"[::1]":                   http.StatusOK,
		"[fe80::1%eth0]:2190":     http.StatusOK,
		"localhost":               http.StatusOK,
		"LOCALHOST:2190":          http.StatusOK,
		"box.example:2190":        http.StatusOK,
		"box.example.":            http.StatusOK,
		"listen.example:8080":     http.StatusOK, // as it is called by way of a tunnel
		"":                        http.StatusOK,
		"evil.example:2190":       http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example":  http.StatusMisdirectedRequest,
		"localhost.evil.example":  http.StatusMisdirectedRequest,
		"box.example.evil:2190":   http.StatusMisdirectedRequest,
		":2190":                   http.StatusMisdirectedRequest,
		"a]b[":                    http.StatusMisdirectedRequest,
		strings.Repeat("x", 5000): http.StatusMisdirectedRequest,
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/board", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %.40q: %d, want %d", host, w.Code, want)
		}
		if body := w.Body.String(); w.Code != http.StatusOK && (!strings.Contains(body, "box.example") || len(body) > 300) {
			t.Errorf("host %.40q: answer %q", host, body)
		}
	}
}
