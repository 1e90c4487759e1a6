package coordinator

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

const (
	defaultServer  = "127.0.0.1:2181"
	defaultPort    = "2181"
	defaultTimeout = 5 * time.Second
	minTimeout     = 100 * time.Millisecond
	maxTimeout     = 24 * time.Hour
)

// Config says how to reach the service. The zero value of a field means its
// default.
type Config struct {
	// Servers are the addresses, "host:port", of the members; any of them will
	// do. Names are looked up anew at each dial. Default: 127.0.0.1:2181.
	Servers []string

	// Chroot is put before every path, so that several users can share one
	// service: "/a/b". [Session.EnsureTree] makes it when it is missing.
	// Default: none.
	Chroot string

	// SessionTimeout is how long the service may hear nothing from us before
	// it expires the session. The server may grant less or more, see
	// [Session.Timeout]. Default: 5s.
	SessionTimeout time.Duration

	// ConnectTimeout bounds how long [Connect] looks for a server. Zero: until
	// its context ends.
	ConnectTimeout time.Duration

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger

	// Dial opens a connection. It is called by one goroutine at a time and
	// must return soon after ctx ends. Default: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Servers) == 0 {
		c.Servers = []string{defaultServer}
	}
	c.Servers = slices.Clone(c.Servers)
	for i, server := range c.Servers {
		addr, err := parseServer(server)
		if err != nil {
			return c, err
		}
		c.Servers[i] = addr
	}
	chroot, err := parseChroot(c.Chroot)
	if err != nil {
		return c, err
	}
	c.Chroot = chroot
	if c.SessionTimeout == 0 {
		c.SessionTimeout = defaultTimeout
	}
	if c.SessionTimeout < minTimeout || c.SessionTimeout > maxTimeout {
		return c, fmt.Errorf("coordinator: session timeout %v is not between %v and %v",
			c.SessionTimeout, minTimeout, maxTimeout)
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return c, nil
}

// ParseServers splits a connect string as every ZooKeeper client has it,
// "host:port,host:port/chroot". The port defaults to 2181.
func ParseServers(s string) (servers []string, chroot string, err error) {
	list, path, found := strings.Cut(s, "/")
	if found {
		if chroot, err = parseChroot("/" + path); err != nil {
			return nil, "", err
		}
	}
	for field := range strings.SplitSeq(list, ",") {
		addr, err := parseServer(field)
		if err != nil {
			return nil, "", err
		}
		servers = append(servers, addr)
	}
	return servers, chroot, nil
}

// parseServer gives "host:port" for an address that may lack the port.
func parseServer(s string) (string, error) {
	s = strings.TrimSpace(s)
	host, port, err := net.SplitHostPort(s)
	if err != nil { // no port; a bare IPv6 address has colons of its own
		host, port = strings.Trim(s, "[]"), defaultPort
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("coordinator: server %q: want host:port", s)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 || strings.ContainsAny(host, " \t/") {
		return "", fmt.Errorf("coordinator: server %q: want host:port", s)
	}
	return net.JoinHostPort(host, port), nil
}

// parseChroot gives a chroot without the trailing slash, and "" for "/".
func parseChroot(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	if err := checkPath(s, false); err != nil {
		return "", fmt.Errorf("coordinator: chroot %q: %w", s, err)
	}
	return s, nil
}
