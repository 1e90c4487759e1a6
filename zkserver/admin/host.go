package admin

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// CheckHost lets only requests through that ask for this machine: by an IP
// address, as localhost, by the name of the machine, or by the host of addr, at
// which it listens. Others are answered 421. A page of somebody else's, open in a
// browser on this machine, can have its own name resolve to our address and read
// the answers as its own (DNS rebinding); its requests have that name.
func CheckHost(to http.Handler, addr string) http.Handler {
	host, _, _ := net.SplitHostPort(addr)
	machine, _ := os.Hostname()
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !isNamed(q.Host, machine, host) {
			http.Error(w, fmt.Sprintf("this server is not called %.100q: ask by its IP address, or give that name in admin.serverAddress or --admin", q.Host), http.StatusMisdirectedRequest)
			return
		}
		to.ServeHTTP(w, q)
	})
}

// isNamed reports whether a Host header, which may have a port, is an IP address,
// localhost or one of names. HTTP/1.0 may leave it out: no browser does.
func isNamed(header string, names ...string) bool {
	if header == "" {
		return true
	}
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
	}
	host = strings.TrimSuffix(host, ".")
	if ip, _, _ := strings.Cut(host, "%"); net.ParseIP(ip) != nil {
		return true
	}
	for _, name := range append(names, "localhost") {
		if name != "" && strings.EqualFold(host, strings.TrimSuffix(name, ".")) {
			return true
		}
	}
	return false
}

// isForeign reports whether a page of another origin has a browser ask, which
// browsers tell servers on their own machine. No page of another's is to reset
// anything.
func isForeign(q *http.Request) bool {
	switch q.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return true
}
