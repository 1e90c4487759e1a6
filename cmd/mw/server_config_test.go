package main

import (
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"

	"github.com/mwqueue/mw/zkserver"
)

// configure gives the configuration that a command line of "mw server" makes.
func configure(t *testing.T, args ...string) (cfg zkserver.Config, err error) {
	t.Helper()
	app := newApp()
	for _, c := range app.Commands {
		if c.Name == "server" {
			c.Action = func(c *cli.Context) error {
				cfg, err = serverConfig(c)
				return nil
			}
		}
	}
	if e := app.Run(append([]string{"mw", "server"}, args...)); e != nil {
		t.Fatal(e)
	}
	return cfg, err
}

func TestAServerWithoutFlagsHasTheDefaultsOfMw(t *testing.T) {
	dir := t.TempDir()
	got, err := configure(t, "--data", dir)
	if err != nil {
		t.Fatal(err)
	}
	want := zkserver.Config{
		Listen: "127.0.0.1:2181", Dir: dir, Tick: 500 * time.Millisecond, MinSessionTimeout: time.Second, MaxSessionTimeout: time.Minute,
		Words: []string{"srvr"}, SlowSync: time.Second, Control: true, OwnProcess: true,
		Operators: zkserver.Operators{AdminPath: "/commands", ProcessMetrics: true, Idle: 30 * time.Second},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(zerolog.Logger{}), cmpopts.IgnoreUnexported(zkserver.Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestAZooCfgBecomesAConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "zoo.cfg")
	text := "dataDir=" + dir + `
clientPort=2182
clientPortAddress=127.0.0.1
maxClientCnxns=0
maxCnxns=7
snapCount=1000
preAllocSize=64
jute.maxbuffer=2000000
secureClientPort=2281
ssl.keyStore.location=/etc/server.pem
ssl.trustStore.location=/etc/ca.pem
ssl.enabledProtocols=TLSv1.2
ssl.ciphersuites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256
X509AuthenticationProvider.superUser=CN=admin
superDigest : super:x
enforceQuota=true
znode.container.checkIntervalMs=500
metricsProvider.className=PrometheusMetricsProvider
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := configure(t, "--config", file, "--set", "tickTime=1000", "--words", "ruok,stat")
	if err != nil {
		t.Fatal(err)
	}
	want := zkserver.Config{
		Listen: "127.0.0.1:2182", Dir: filepath.Join(dir, "mw"), File: strings.Replace(text, " : super:x", "=*****", 1), Tick: time.Second, MinSessionTimeout: 2 * time.Second, MaxSessionTimeout: 20 * time.Second,
		MaxConns: 7, MaxConnsPerAddr: 1<<31 - 1, MaxFrame: 2_000_000, SnapshotEntries: 1000, SegmentBytes: 5 << 20,
		Words: []string{"ruok", "stat"}, SlowSync: time.Second, Control: true, OwnProcess: true, NoTTL: true, EnforceQuotas: true,
		SuperDigest: "super:x", SuperX509: "CN=admin", X509: true, SweepInterval: 500 * time.Millisecond,
		TLS: zkserver.TLS{
			Listen: ":2281", Cert: "/etc/server.pem", Key: "/etc/server.pem", CA: "/etc/ca.pem", ClientAuth: tls.RequireAndVerifyClientCert,
			MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		},
		Operators: zkserver.Operators{Admin: "127.0.0.1:8080", AdminPath: "/commands", Metrics: "127.0.0.1:7000", ProcessMetrics: true, Idle: 30 * time.Second},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(zerolog.Logger{}), cmpopts.IgnoreUnexported(zkserver.Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestLinearizableReadsAreAskedForByFileVariableOrFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zoo.cfg")
	text := "clientPort=2182\nclientPortAddress=127.0.0.1\ndataDir=" + filepath.Dir(file) + "\nlinearizableReads=true\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	data := "--data=" + t.TempDir()
	for _, tt := range []struct {
		variable string
		args     []string
		want     bool
	}{
		{"", []string{data}, false},
		{"", []string{data, "--linearizable-reads"}, true},
		{"true", []string{data}, true},
		{"true", []string{data, "--linearizable-reads=false"}, false},
		{"", []string{"--config", file}, true},
		{"false", []string{"--config", file}, false},
		{"", []string{data, "--set", "linearizableReads=yes"}, true},
	} {
		if tt.variable != "" {
			t.Setenv("MW_SERVER_LINEARIZABLE_READS", tt.variable)
		} else {
			os.Unsetenv("MW_SERVER_LINEARIZABLE_READS")
		}
		got, err := configure(t, tt.args...)
		if err != nil || got.LinearizableReads != tt.want {
			t.Errorf("%q, variable %q: %v, %v, want %v", tt.args, tt.variable, got.LinearizableReads, err, tt.want)
		}
	}
}

func TestTLSByFlags(t *testing.T) {
	data := "--data=" + t.TempDir()
	got, err := configure(t, data, "--tls-listen", ":2281", "--tls-cert", "s.pem", "--tls-key", "k.pem", "--tls-ca", "ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	want := zkserver.TLS{Listen: ":2281", Only: true, Cert: "s.pem", Key: "k.pem", CA: "ca.pem", ClientAuth: tls.RequireAndVerifyClientCert}
	if diff := cmp.Diff(want, got.TLS); diff != "" || !got.X509 {
		t.Error(diff)
	}
	if got, err = configure(t, data, "--tls-listen", "127.0.0.1:0", "--tls-cert", "s.pem", "--listen", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if got.TLS.Only || got.TLS.Key != "s.pem" || got.TLS.ClientAuth != tls.NoClientCert || got.Listen != "127.0.0.1:0" {
		t.Errorf("%+v", got)
	}
	tests := []struct {
		want string
		args []string
	}{
		{"clients need no certificate there", []string{"--tls-listen", ":2281", "--tls-cert", "s.pem"}},
		{"--tls-listen needs --tls-cert", []string{"--tls-listen", ":2281"}},
		{"go with --tls-listen", []string{"--tls-cert", "s.pem"}},
		{"s.jks is no PEM file", []string{"--tls-listen", ":2281", "--tls-cert", "s.jks"}},
		{`"NULL" is not known`, []string{"--tls-listen", "127.0.0.1:0", "--tls-cert", "s.pem", "--set", "ssl.ciphersuites=NULL"}},
	}
	for _, tt := range tests {
		if _, err := configure(t, append(tt.args, data)...); err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != exitUsage {
			t.Errorf("%q: %v, want %q", tt.args, err, tt.want)
		}
	}
}

// The answers are those of Apache ZooKeeper 3.8.0 and of a stranger.
func TestStatusReadsWhatServersAnswer(t *testing.T) {
	var st serverStatus
	text := "Zookeeper version: 3.8.0-abc, built on 2024-12-29 17:54 UTC\nLatency min/avg/max: 0/2.6111/18\nReceived: 20\nSent: 22\nConnections: 3\nOutstanding: 0\nZxid: 0x7\nMode: standalone\nNode count: 10\n"
	if err := st.parseServer(text); err != nil {
		t.Fatal(err)
	}
	st.parseMonitor("zk_global_sessions\t2\nzk_uptime\t75623\nzk_watch_count\tx\n")
	sessions, uptime := int64(2), int64(75623)
	want := serverStatus{
		Version: "3.8.0-abc", Mode: "standalone", Zxid: "0x7", Connections: 3, Received: 20, Sent: 22, Znodes: 10,
		Latency: latencyRange{0, 2.6111, 18}, Sessions: &sessions, UptimeMilli: &uptime,
	}
	if diff := cmp.Diff(want, st); diff != "" {
		t.Error(diff)
	}
	for answer, want := range map[string]string{
		"srvr is not executed because it is not in the whitelist.\n": "its whitelist of four-letter words leaves it out",
		"HTTP/1.1 400 Bad Request\r\n":                               `it answers "HTTP/1.1 400 Bad Request  "`,
	} {
		if err := new(serverStatus).parseServer(answer); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", answer, err, want)
		}
	}
}

func TestKeysWithoutAFileSayWhereTheServerIsAndItsData(t *testing.T) {
	dir, own := t.TempDir(), t.TempDir()
	t.Setenv("MW_DATA", own)
	tests := []struct {
		name        string
		args        []string
		listen, dir string
	}{
		{"nothing", nil, "127.0.0.1:2181", filepath.Join(own, "server")},
		{"port", []string{"--set", "clientPort=2300"}, "127.0.0.1:2300", filepath.Join(own, "server")},
		{"flags beat it", []string{"--set", "clientPort=2300", "--listen", "127.0.0.1:2400"}, "127.0.0.1:2400", filepath.Join(own, "server")},
		{"data", []string{"--set", "dataDir=" + dir}, "127.0.0.1:2181", filepath.Join(dir, "mw")},
		{"the flag beats it", []string{"--set", "dataDir=" + dir, "--data", own}, "127.0.0.1:2181", own},
		{"port beside TLS", []string{"--set", "clientPort=2300", "--tls-listen", "127.0.0.1:2281", "--tls-cert", "s.pem"}, "127.0.0.1:2300", filepath.Join(own, "server")},
	}
	for _, tt := range tests {
		got, err := configure(t, tt.args...)
		if err != nil || got.Listen != tt.listen || got.Dir != tt.dir || got.TLS.Only {
			t.Errorf("%s: listens on %s, data in %s, %v; want %s and %s", tt.name, got.Listen, got.Dir, err, tt.listen, tt.dir)
		}
	}
	if _, err := configure(t, "--set", "dataLogDir="+dir); err == nil || !strings.Contains(err.Error(), "--set: dataDir is not set") {
		t.Errorf("a dataLogDir without a dataDir: %v", err)
	}
}

func TestErrorsAboutKeysWithoutAFileNameTheFlag(t *testing.T) {
	data := "--data=" + t.TempDir()
	tests := []struct {
		want string
		args []string
	}{
		{"--set: admin.serverAddress can be reached", []string{"--set", "admin.enableServer=true", "--set", "admin.serverAddress=0.0.0.0"}},
		{"--set: clientPort 2181 on 0.0.0.0 can be reached", []string{"--set", "clientPortAddress=0.0.0.0"}},
		{"--set: ssl.ciphersuites: ", []string{"--tls-listen", "127.0.0.1:0", "--tls-cert", "s.pem", "--set", "ssl.ciphersuites=NULL"}},
		{"--set: secureClientPort is set, but no certificate", []string{"--set", "secureClientPort=2281"}},
	}
	for _, tt := range tests {
		if _, err := configure(t, append(tt.args, data)...); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestObserversOfFlagsAndOfAZooCfgHaveNoVote(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "zoo.cfg")
	text := "dataDir=" + dir + "\nclientPort=2181\nclientPortAddress=127.0.0.1\nserver.1=127.0.0.1:1:2\nserver.2=127.0.0.1:3:4:observer;2182\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--config", file, "--id", "1"},
		{"--data", dir, "--id", "1", "--member", "1=127.0.0.1:1", "--member", "2=127.0.0.1:3:4:observer"},
	} {
		cfg, err := configure(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		if m := cfg.Ensemble.Members; len(m) != 2 || m[0].Observer || !m[1].Observer {
			t.Errorf("%q: %+v", args, m)
		}
	}
}

func TestServersThatAreNotOneServiceAreAProblem(t *testing.T) {
	of := func(modes ...string) *serviceStatus {
		all := &serviceStatus{Servers: make([]memberStatus, len(modes))}
		for i, mode := range modes {
			if mode != "down" {
				all.Servers[i].serverStatus = &serverStatus{Mode: mode}
			}
			all.Servers[i].Server = mode
		}
		all.compare()
		return all
	}
	tests := []struct {
		modes []string
		code  int
	}{
		{[]string{"leader", "follower", "down"}, 0},
		{[]string{"follower", "down"}, 69},
		{[]string{"down", "down"}, 69},
		{[]string{"standalone", "down"}, 125},
		{[]string{"leader", "standalone"}, 125},
	}
	for _, tt := range tests {
		if got := report(io.Discard, t.Context(), of(tt.modes...).problem()); got != tt.code {
			t.Errorf("%v: exit code %d, want %d", tt.modes, got, tt.code)
		}
	}
}
