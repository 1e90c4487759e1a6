package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/admin"
	"github.com/mwqueue/mw/zkserver/zoocfg"
	"github.com/urfave/cli/v2"
)

// minSegment is the smallest log file, if there is no need for a larger one.
const minSegment = 5 << 20

// serverConfig makes the server's configuration of the flags and the zoo.cfg.
func serverConfig(c *cli.Context) (cfg zkserver.Config, err error) {
	s, err := serverSettings(c)
	if err != nil {
		return cfg, err
	}
	cfg = s.plain()
	if cfg.TLS, err = s.tlsConfig(c); err != nil {
		return cfg, err
	}
	cfg.X509 = cfg.TLS.Listen != "" || cfg.TLS.Unify
	if cfg.Listen, err = s.listenAddr(c, &cfg.TLS); err != nil {
		return cfg, err
	}
	if cfg.Ensemble, err = s.ensemble(c); err != nil {
		return cfg, err
	}
	if cfg.Operators, err = s.operators(c); err != nil {
		return cfg, err
	}
	if s.ownData(c) {
		cfg.Dir, err = dataDir(c, "server")
	} else {
		cfg.Dir, err = s.zooData()
	}
	s.vetWords(c)
	s.warn()
	return cfg, err
}

// plain translates what needs no decision.
func (s *settings) plain() zkserver.Config {
	cfg := zkserver.Config{
		Tick: s.TickTime, MinSessionTimeout: s.MinSessionTimeout, MaxSessionTimeout: s.MaxSessionTimeout,
		MaxConns: s.MaxConns, MaxConnsPerAddr: s.MaxClientConns, MaxFrame: s.MaxBuffer,
		Words: s.Words, File: zoocfg.Mask(s.text), SlowSync: s.FsyncWarning,
		SnapshotEntries: s.SnapCount, SnapshotBytes: s.SnapBytes,
		SuperDigest: s.SuperDigest, SuperX509: s.X509SuperUser,
		NoTTL: !s.TTLNodes, EnforceQuotas: s.EnforceQuota, ReconfigEnabled: s.Reconfig,
		SweepInterval: s.ContainerCheck, SweepPerMinute: s.ContainersPerMinute, UnusedContainers: s.NeverUsedContainer,
		ReadOnlyMode: s.ReadOnly, LinearizableReads: s.Linearizable,
		Control: true, OwnProcess: true,
	}
	least := max(minSegment, int64(s.MaxBuffer)+1<<20) // takes the largest request
	if cfg.SegmentBytes = s.PreAllocBytes; s.PreAllocBytes > 0 && s.PreAllocBytes < least {
		cfg.SegmentBytes = least
		s.Warnings = append(s.Warnings, zoocfg.Warning{
			File: s.from(), Key: "preAllocSize",
			Text: fmt.Sprintf("is too small for the largest request: log files have %d KiB", least>>10),
		})
	}
	if s.Given("maxCnxns") && s.MaxConns == 0 {
		cfg.MaxConns = math.MaxInt32
	}
	switch {
	case s.name == "" && !s.Given("maxClientCnxns"):
		cfg.MaxConnsPerAddr = 0 // the server's own default
	case s.MaxClientConns == 0:
		cfg.MaxConnsPerAddr = math.MaxInt32
	}
	return cfg
}

// danger is what an open address means.
const danger = "anyone there can run commands on every worker"

// listenAddr is where clients are served without TLS.
func (s *settings) listenAddr(c *cli.Context, t *zkserver.TLS) (string, error) {
	switch {
	case c.IsSet("listen"):
		return c.String("listen"), checkListen(c, c.String("listen"), danger)
	case s.name == "" && t.Listen != "" && !s.Given("clientPort"):
		t.Only = true // who asks for TLS alone gets no more
		return "", nil
	case s.ClientPort == 0:
		t.Only = true
		return "", nil
	case s.name == "" && s.ClientAddress == "":
		return joinPort("127.0.0.1", s.ClientPort), nil
	}
	addr := joinPort(s.ClientAddress, s.ClientPort)
	return addr, s.mayOpen(c, s.ClientAddress, "clientPort", s.ClientPort, "clientPortAddress=127.0.0.1")
}

func joinPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// mayOpen holds the rule about addresses for those of a zoo.cfg.
func (s *settings) mayOpen(c *cli.Context, host, key string, port int, closed string) error {
	if loopback(host) {
		return nil
	}
	where := host
	if host == "" {
		where = "all addresses"
	}
	if !c.Bool("insecure") {
		return &failure{
			err:  fmt.Errorf("%s: %s %d on %s can be reached from other machines, and there is neither TLS nor authentication: %s", s.from(), key, port, where, danger),
			code: exitUsage,
			hint: "set " + closed + ", or add --insecure if the network is closed",
		}
	}
	note("WARNING: %s %d on %s can be reached from other machines, without TLS or authentication: %s", key, port, where, danger)
	return nil
}

// tlsConfig says how to serve over TLS. An address on which clients need a
// certificate may be any.
func (s *settings) tlsConfig(c *cli.Context) (zkserver.TLS, error) {
	t := zkserver.TLS{Unify: s.PortUnification, Listen: c.String("tls-listen")}
	if t.Listen == "" && s.SecureClientPort != 0 {
		t.Listen = joinPort(s.SecureClientAddress, s.SecureClientPort)
	}
	if t.Listen == "" && !t.Unify {
		if c.IsSet("tls-cert") || c.IsSet("tls-key") || c.IsSet("tls-ca") {
			return t, usagef(c, "--tls-cert, --tls-key and --tls-ca go with --tls-listen")
		}
		return t, nil
	}
	t.Cert, t.Key, t.CA = s.TLS.KeyStore, c.String("tls-key"), s.TLS.TrustStore
	if t.Key == "" {
		t.Key = t.Cert
	}
	if t.Cert == "" {
		return t, usagef(c, "--tls-listen needs --tls-cert")
	}
	t.ClientAuth = map[string]tls.ClientAuthType{
		"none": tls.NoClientCert, "want": tls.VerifyClientCertIfGiven, "need": tls.RequireAndVerifyClientCert,
	}[s.TLS.ClientAuth]
	var err error
	if t.CipherSuites, err = cipherSuites(s.TLS.CipherSuites); err != nil {
		return t, badFile(fmt.Errorf("%s: ssl.ciphersuites: %w", s.from(), err))
	}
	t.MinVersion, t.MaxVersion = versions(s.TLS.Protocols)
	if t.Listen == "" || t.ClientAuth == tls.RequireAndVerifyClientCert {
		return t, nil
	}
	host, _, err := net.SplitHostPort(t.Listen)
	if err != nil {
		return t, usagef(c, "--tls-listen: %q is no address like 127.0.0.1:2281", t.Listen)
	}
	if loopback(host) {
		return t, nil
	}
	if !c.Bool("insecure") {
		return t, &failure{
			err:  fmt.Errorf("%s can be reached from other machines, and clients need no certificate there: %s", t.Listen, danger),
			code: exitUsage,
			hint: "say whose certificates to take, with --tls-ca or ssl.trustStore.location and ssl.clientAuth=need, or add --insecure",
		}
	}
	note("WARNING: %s can be reached from other machines, and clients need no certificate there: %s", t.Listen, danger)
	return t, nil
}

// versions are the bounds of what is listed; zero for the defaults.
func versions(names []string) (low, high uint16) {
	for _, name := range names {
		v := map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}[name]
		if low == 0 || v < low {
			low = v
		}
		high = max(high, v)
	}
	return low, high
}

// cipherSuites finds suites by their names. Those of TLS 1.3 are always on.
func cipherSuites(names []string) (ids []uint16, err error) {
	for _, name := range names {
		i := slices.IndexFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return s.Name == name })
		if i < 0 {
			var known []string
			for _, s := range tls.CipherSuites() {
				known = append(known, s.Name)
			}
			return nil, fmt.Errorf("%q is not known, or broken; known are %s", name, strings.Join(known, ", "))
		}
		if s := tls.CipherSuites()[i]; slices.Contains(s.SupportedVersions, tls.VersionTLS12) {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}

// operators says where to tell what over HTTP. Addresses that a zoo.cfg leaves
// out are all addresses in the reference; here that takes --insecure, and else
// is this machine.
func (s *settings) operators(c *cli.Context) (zkserver.Operators, error) {
	o := zkserver.Operators{Admin: c.String("admin"), AdminPath: s.Admin.URL, Metrics: c.String("metrics"), ProcessMetrics: s.Metrics.Process, Idle: s.Admin.Idle}
	for _, flag := range []string{"admin", "metrics"} {
		if addr := c.String(flag); addr != "" {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return o, usagef(c, "--%s: %q is no address like 127.0.0.1:8080", flag, addr)
			}
			if err := openToOperators(c, "--"+flag+" "+addr, host); err != nil {
				return o, err
			}
		}
	}
	var err error
	if o.Admin == "" && s.Admin.Enabled {
		o.Admin, err = s.operatorAddr(c, "admin.serverAddress", s.Admin.Address, s.Admin.Port)
	}
	if err == nil && o.Metrics == "" && s.Metrics.Prometheus {
		o.Metrics, err = s.operatorAddr(c, "metricsProvider.httpHost", s.Metrics.Address, s.Metrics.Port)
	}
	return o, err
}

func (s *settings) operatorAddr(c *cli.Context, key, host string, port int) (string, error) {
	if host == "" && !c.Bool("insecure") {
		host = "127.0.0.1"
	}
	return joinPort(host, port), openToOperators(c, s.from()+": "+key, host)
}

func openToOperators(c *cli.Context, what, host string) error {
	if loopback(host) || c.Bool("insecure") {
		return nil
	}
	return &failure{
		err:  errors.New(what + " can be reached from other machines, which may look into the tree and reset counts there"),
		code: exitUsage,
		hint: "use 127.0.0.1, or add --insecure if the network is closed",
	}
}

// vetWords warns of words that nobody answers.
func (s *settings) vetWords(c *cli.Context) {
	key := "4lw.commands.whitelist"
	if c.IsSet("words") {
		key = "--words"
	}
	if _, unknown := admin.NewWhitelist(s.Words); len(unknown) > 0 {
		note("warning: %s: %s cannot be answered here", key, strings.Join(unknown, ", "))
	}
}
