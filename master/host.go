package master

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// named lets only requests through that name this server: by an IP address, as
// localhost, or by a name it is known to have. A page of somebody else's, open in
// a browser beside us, could otherwise have its own name resolve to our address
// and read our answers as its own (DNS rebinding); such a request has that name.
// A request of HTTP/1.0 may name nothing. Others are answered 421.
func named(to http.Handler, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "" || isNamed(hostOf(r.Host), names) {
			to.ServeHTTP(w, r)
			return
		}
		http.Error(w, fmt.Sprintf("this server is not called %.100q: ask by its IP address, as localhost or as %s",
			hostOf(r.Host), names[0]), http.StatusMisdirectedRequest)
	})
}

func isNamed(host string, names []string) bool {
	ip, _, _ := strings.Cut(host, "%") // a zone
	if net.ParseIP(ip) != nil || strings.EqualFold(host, "localhost") {
		return true
	}
	for _, name := range names {
		if name != "" && strings.EqualFold(host, hostOf(name)) {
			return true
		}
	}
	return false
}

// hostOf cuts the port off an address, and the final dot off a name.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.Trim(addr, "[]")
	}
	return strings.TrimSuffix(host, ".")
}
