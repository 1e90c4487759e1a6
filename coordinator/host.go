package coordinator

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// CheckHost lets only requests through that name this server: by an IP address,
// as localhost, by the host's name, or by the host of one of addrs, each a name
// or "host:port", the first of which is the one it is advertised by. A page of
// somebody else's, open in a browser beside us, could otherwise have its own name
// resolve to our address and read our answers as its own (DNS rebinding); such a
// request has that name. Others are answered 421.
func CheckHost(to http.Handler, addrs ...string) http.Handler {
	names := addrs
	if name, err := os.Hostname(); err == nil {
		names = append([]string{name}, addrs...)
	}
	called := "or as localhost"
	if len(addrs) > 0 {
		called = "as localhost or as " + addrs[0]
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsHost(r.Host, names...) {
			to.ServeHTTP(w, r)
			return
		}
		http.Error(w, fmt.Sprintf("this server is not called %.100q: ask by its IP address, %s", hostOf(r.Host), called),
			http.StatusMisdirectedRequest)
	})
}

// IsHost reports whether a request's Host, which may have a port, is an IP
// address, localhost or the host of one of addrs. In a request of HTTP/1.0 it may
// be missing: no browser sends such a one.
func IsHost(host string, addrs ...string) bool {
	if host == "" {
		return true
	}
	host = hostOf(host)
	ip, _, _ := strings.Cut(host, "%") // a zone
	if net.ParseIP(ip) != nil || strings.EqualFold(host, "localhost") {
		return true
	}
	for _, addr := range addrs {
		if ours := hostOf(addr); ours != "" && strings.EqualFold(host, ours) {
			return true
		}
	}
	return false
}

// hostOf cuts the port off an address, and the final dot off a name.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
		if inner, ok := strings.CutPrefix(addr, "["); ok && strings.HasSuffix(inner, "]") {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	return strings.TrimSuffix(host, ".")
}

// LimitRequests answers 503 to what comes while n requests are being served.
func LimitRequests(n int, to http.Handler) http.Handler {
	places := make(chan struct{}, n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			to.ServeHTTP(w, r)
		default:
			http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
		}
	})
}
