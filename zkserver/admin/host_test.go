package admin

import (
	"net/http/httptest"
	"testing"
)

func TestRequestsForOtherNamesAreRefused(t *testing.T) {
	h := CheckHost(Handler(sample(), "/commands"), "zk1.example.com:8080")
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "127.0.0.1": 200, "[::1]:8080": 200, "[::1]": 200, "[fe80::1%25eth0]:8080": 200, "localhost:8080": 200, "LOCALHOST.": 200,
		"zk1.example.com:8080": 200, "": 200,
		"evil.example:8080": 421, "evil.example": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "example.com": 421, "[": 421,
	} {
		q := httptest.NewRequest("GET", "/commands/ruok", nil)
		q.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		if w.Code != want {
			t.Errorf("%q is answered %d, want %d", host, w.Code, want)
		}
	}
}

func TestPagesOfOthersResetNothing(t *testing.T) {
	for _, name := range []string{"stat_reset", "srst", "connection_stat_reset", "crst"} {
		for from, want := range map[string]int{"": 200, "none": 200, "same-origin": 200, "cross-site": 403, "same-site": 403} {
			src := sample()
			q := httptest.NewRequest("GET", "/commands/"+name, nil)
			q.Header.Set("Sec-Fetch-Site", from)
			w := httptest.NewRecorder()
			Handler(src, "/commands").ServeHTTP(w, q)
			if resets := src.server + src.conns; w.Code != want || (resets == 1) != (want == 200) {
				t.Errorf("%s from %q: %d and %d resets, want %d", name, from, w.Code, resets, want)
			}
		}
	}
}

// Who only looks whether there is an answer resets nothing.
func TestHeadResetsNothing(t *testing.T) {
	for name, want := range map[string]int{"stat_reset": 405, "srst": 405, "connection_stat_reset": 405, "crst": 405, "stats": 200, "ruok": 200} {
		src, w := sample(), httptest.NewRecorder()
		Handler(src, "/commands").ServeHTTP(w, httptest.NewRequest("HEAD", "/commands/"+name, nil))
		if w.Code != want || src.server+src.conns > 0 {
			t.Errorf("HEAD of %s: status %d, want %d, and %d resets", name, w.Code, want, src.server+src.conns)
		}
		if want == 405 && w.Header().Get("Allow") != "GET" {
			t.Errorf("HEAD of %s allows %q", name, w.Header().Get("Allow"))
		}
	}
}
