package zoocfg

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sample is the zoo_sample.cfg that Apache ZooKeeper ships, without its
// comments.
const sample = `# The number of milliseconds of each tick
tickTime=2000
initLimit=10
syncLimit=5
dataDir=/tmp/zookeeper
clientPort=2181
`

func parse(t *testing.T, text string) Config {
	t.Helper()
	c, err := Parse("zoo.cfg", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSampleFileGivesNoWarning(t *testing.T) {
	c := parse(t, sample)
	if err := c.Check("zoo.cfg"); err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.TickTime, want.InitLimit, want.SyncLimit = 2*time.Second, 10, 5
	want.DataDir, want.ClientPort = "/tmp/zookeeper", 2181
	want.MinSessionTimeout, want.MaxSessionTimeout = 4*time.Second, 40*time.Second
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestKeysSetFields(t *testing.T) {
	c := parse(t, `
dataDir = /var/lib/zookeeper/
dataLogDir: /log
clientPort 2182
clientPortAddress=127.0.0.1
secureClientPort=2281
maxClientCnxns=0
maxCnxns=500
snapCount=1000
preAllocSize=65536
snapSizeLimitInKb=-1
minSessionTimeout=-1
maxSessionTimeout=90000
jute.maxbuffer=2000000
zookeeper.fsync.warningthresholdms=50
4lw.commands.whitelist=stat, ruok ,\
    conf
admin.enableServer=false
zookeeper.admin.serverPort=9090
admin.commandURL=/zk/
metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider
metricsProvider.httpPort=7001
superDigest=super:xyz=
ssl.keyStore.location=/etc/s.pem
ssl.trustStore.location=/etc/ca.pem
ssl.clientAuth=WANT
ssl.protocol=TLSv1.3
zookeeper.extendedTypesEnabled=true
znode.container.checkIntervalMs=500
authProvider.1=org.apache.zookeeper.server.auth.X509AuthenticationProvider
`)
	want := defaults()
	want.DataDir, want.DataLogDir = "/var/lib/zookeeper", "/log"
	want.ClientPort, want.ClientAddress, want.SecureClientPort = 2182, "127.0.0.1", 2281
	want.MaxClientConns, want.MaxConns = 0, 500
	want.SnapCount, want.PreAllocBytes, want.MaxSessionTimeout = 1000, 64<<20, 90*time.Second
	want.MaxBuffer, want.FsyncWarning = 2_000_000, 50*time.Millisecond
	want.Words = []string{"stat", "ruok", "conf"}
	want.Admin.Enabled, want.Admin.Port, want.Admin.URL = false, 9090, "/zk"
	want.Metrics.Prometheus, want.Metrics.Port = true, 7001
	want.SuperDigest = "super:xyz="
	want.TLS = TLS{KeyStore: "/etc/s.pem", TrustStore: "/etc/ca.pem", ClientAuth: "want", Protocols: []string{"TLSv1.3"}}
	want.TTLNodes, want.ContainerCheck = true, 500*time.Millisecond
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestKeysWithoutEffectAreNamedOnce(t *testing.T) {
	tests := []struct{ text, want string }{
		{"maxResponseCacheSize=400", "zoo.cfg:1: maxResponseCacheSize has no effect: replies are not cached: to make them is as cheap"},
		{"zookeeper.skipACL=yes", "zoo.cfg:1: zookeeper.skipACL has no effect: ACLs are always checked"},
		{"skipACL=no\nforceSync=yes\nclientPortListenBacklog=-1\nleaderServes=yes", ""},
		{"\n\nclientPrt=2181", "zoo.cfg:3: clientPrt is not known and has no effect: check its spelling"},
		{"tickTime=1\ntickTime=2", "zoo.cfg:2: tickTime was already set on line 1: this one counts"},
		{"authProvider.1=com.acme.Provider", "zoo.cfg:1: authProvider.1 has no effect: the schemes are world, auth, digest, ip and x509, and classes for others cannot be run here"},
		{"connection_throttle_tokens=9", "zoo.cfg:1: connection_throttle_tokens has no effect: connections are bounded by maxCnxns and maxClientCnxns, and not slowed down"},
	}
	for _, tt := range tests {
		c := parse(t, tt.text)
		var got []string
		for _, w := range c.Warnings {
			got = append(got, w.String())
		}
		if text := strings.Join(got, "\n"); text != tt.want {
			t.Errorf("%q warns %q, want %q", tt.text, text, tt.want)
		}
	}
}

func TestErrorsNameTheLineAndWhatToDo(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a=b\ntickTime=2s", `zoo.cfg:2: tickTime is "2s", must be a number of milliseconds from 1 to 31536000000`},
		{"clientPort=70000", `zoo.cfg:1: clientPort is "70000", must be a port from 0 to 65535`},
		{"admin.enableServer=maybe", `zoo.cfg:1: admin.enableServer is "maybe", must be true or false`},
		{"ssl.keyStore.type=JKS", `zoo.cfg:1: ssl.keyStore.type is "JKS", and only PEM files can be read: convert it: keytool`},
		{"ssl.crl=true", "zoo.cfg:1: ssl.crl=true cannot be honoured: revocation lists are not looked at: remove the line"},
		{"ssl.protocol=TLSv1.1", `zoo.cfg:1: ssl.protocol is "TLSv1.1", but TLS 1.0 and 1.1 are broken: use TLSv1.2`},
		{"electionAlg=1", `zoo.cfg:1: electionAlg is "1", must be 3`},
		{"server.x=a:1:2", "zoo.cfg:1: server.x must have a number after the dot, as server.1"},
		{"server.1=a:1", `zoo.cfg:1: server.1 is "a:1", must be HOST:PORT:ELECTIONPORT`},
		{"server.1=a:1:2\nserver.1=b:1:2", "zoo.cfg:2: server.1 is there twice"},
		{"DigestAuthenticationProvider.superDigest=admin:x", `must be "super:" and`},
		{"metricsProvider.className=com.acme.Metrics", "Java classes cannot be run here"},
		{"jute.maxbuffer=99999999999", `zoo.cfg:1: jute.maxbuffer is "99999999999", must be a number of bytes from 1024 to 67108864`},
	}
	for _, tt := range tests {
		_, err := Parse("zoo.cfg", []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	tests := []struct{ text, want string }{
		{"clientPort=2181", "zoo.cfg: dataDir is not set: add dataDir="},
		{"dataDir=/d", "zoo.cfg: neither clientPort nor secureClientPort is set: add clientPort=2181"},
		{"dataDir=/d\nclientPort=0", "zoo.cfg: neither clientPort nor secureClientPort is set: add clientPort=2181"},
		{"dataDir=/d\nclientPort=0\nsecureClientPort=1\nssl.keyStore.location=a.pem\nssl.clientAuth=none", ""},
		{"dataDir=/d\nclientPort=1\nsecureClientPort=0", ""},
		{"dataDir=/d\nsecureClientPort=1", "no certificate: add ssl.keyStore.location="},
		{"dataDir=/d\nsecureClientPort=1\nssl.keyStore.location=a.pem", "add ssl.trustStore.location=/path/to/ca.pem, or ssl.clientAuth=none"},
		{"dataDir=/d\nsecureClientPort=1\nssl.keyStore.location=a.pem\nssl.clientAuth=none", ""},
		{"dataDir=/d\nclientPort=1\nminSessionTimeout=5\nmaxSessionTimeout=4", "the first must not be above the second"},
		{"dataDir=/d\nclientPort=1\nserver.1=a:1:2", ""},
		{"dataDir=/d\nserver.1=a:1:2;2181", ""},
		{"dataDir=/d\nclientPort=1\nserver.1=a:1:2\nserver.2=b:1:2\ngroup.1=1:2\nweight.1=3", "zoo.cfg: group.1: quorums of groups and weights are not to be had"},
		{"dataDir=/d\nclientPort=1\nserver.1=a:1:2\nserver.2=b:1:2", ""},
	}
	for _, tt := range tests {
		c := parse(t, tt.text)
		err := c.Check("zoo.cfg")
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestServerLines(t *testing.T) {
	tests := []struct {
		text string
		want Server
	}{
		{"zoo1:2888:3888", Server{Addresses: []Address{{"zoo1", 2888, 3888}}}},
		{"zoo1:2888:3888:participant;2181", Server{Addresses: []Address{{"zoo1", 2888, 3888}}, ClientPort: 2181}},
		{"[::1]:2888:3888:observer;[::2]:2181", Server{Addresses: []Address{{"::1", 2888, 3888}}, Observer: true, ClientAddress: "::2", ClientPort: 2181}},
		{"a:1:2|b:3:4;0.0.0.0:5", Server{Addresses: []Address{{"a", 1, 2}, {"b", 3, 4}}, ClientAddress: "0.0.0.0", ClientPort: 5}},
	}
	for _, tt := range tests {
		got, err := parseServer(tt.text, 2)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
	}
	for _, bad := range []string{"", "a", "a:1", "a:0:2", ":1:2", "a:1:2:x", "[x]:1:2", "a:1:2;", "a:1:2;b", "a:1:2|", "a:1:2:observer:5"} {
		if s, err := parseServer(bad, 2); err == nil {
			t.Errorf("%q is taken as %+v", bad, s)
		}
	}
}

func TestADynamicFileHasServersOnly(t *testing.T) {
	c := parse(t, sample)
	if err := c.ParseServers("dyn", []byte("server.1=a:1:2;2181\nversion=100000000\n")); err != nil {
		t.Fatal(err)
	}
	if len(c.Servers) != 1 {
		t.Errorf("servers %+v, want one", c.Servers)
	}
	if err := c.ParseServers("dyn", []byte("tickTime=3")); err == nil || !strings.Contains(err.Error(), "dyn:1: tickTime does not belong") {
		t.Errorf("tickTime: %v", err)
	}
}

func TestMyIDIsANumber(t *testing.T) {
	if id, err := ParseID("myid", []byte("3\n")); id != 3 || err != nil {
		t.Errorf("3: %d, %v", id, err)
	}
	if _, err := ParseID("d/myid", []byte("one")); err == nil || err.Error() != `d/myid: it says "one", must be a number from 0 to 255 and nothing else` {
		t.Errorf("one: %v", err)
	}
}

// What java.util.Properties makes of these was tried with Java 17.
func TestPropertiesAreReadAsJavaReadsThem(t *testing.T) {
	tests := []struct {
		text string
		want []property
	}{
		{"a=b", []property{{1, "a", "b"}}},
		{"  a \t = \t b c  ", []property{{1, "a", "b c"}}},
		{"a:b=c\na b=c\na", []property{{1, "a", "b=c"}, {2, "a", "b=c"}, {3, "a", ""}}},
		{"# a=b\r\n! c=d\r\n\r\ne=f", []property{{4, "e", "f"}}},
		{"a=b,\\\n   c,\\\r\n  d\nf=g", []property{{1, "a", "b,c,d"}, {4, "f", "g"}}},
		{`a\=b=c\\d` + "\n" + `d=C:\\x\ty`, []property{{1, "a=b", `c\d`}, {2, "d", "C:\\x\ty"}}},
		{`a=\u00e9\u12`, []property{{1, "a", `é\u12`}}},
		{"a=b\\", []property{{1, "a", "b"}}},
		{"=b", []property{{1, "", "b"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, properties(tt.text), cmp.AllowUnexported(property{})); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

// Every row says what becomes of its key, and no two have the same name.
func TestTablesAreComplete(t *testing.T) {
	names := make(map[string]bool)
	for _, k := range append(append([]key(nil), honoured...), without...) {
		if (k.set == nil) == (k.instead == "") {
			t.Errorf("%s is both honoured and not, or neither", k.name)
		}
		for _, name := range append([]string{k.name}, k.other...) {
			if names[name] {
				t.Errorf("%s is in the tables twice", name)
			}
			names[name] = true
		}
	}
}

func TestAddedKeysBeatTheFile(t *testing.T) {
	c := parse(t, sample)
	if err := c.Set("-D", "zookeeper.tickTime", " 100 "); err != nil {
		t.Fatal(err)
	}
	if c.TickTime != 100*time.Millisecond || len(c.Warnings) > 0 {
		t.Errorf("tick %v, warnings %v", c.TickTime, c.Warnings)
	}
	if err := c.Set("-D", "tickTime", "x"); err == nil || !strings.HasPrefix(err.Error(), `-D: tickTime is "x"`) {
		t.Errorf("bad value: %v", err)
	}
}

func TestJavaKeyStoresAreRefusedWithAHint(t *testing.T) {
	if err := Store("/etc/server.pem"); err != nil {
		t.Error(err)
	}
	if err := Store("/etc/server.JKS"); err == nil || !strings.Contains(err.Error(), "keytool -importkeystore -srckeystore /etc/server.JKS") {
		t.Errorf("a JKS file: %v", err)
	}
}

func TestMaxBufferIsReadAsJavaReadsIt(t *testing.T) {
	tests := []struct {
		value string
		want  int // 0: refused
		warns string
	}{
		{"2000000", 2_000_000, ""},
		{"0x200000", 2 << 20, ""},
		{"#1FFFFF", 2<<20 - 1, ""},
		{"04000000", 1 << 20, ""},
		{"10485760", 10 << 20, ""},
		{"0x4000000", 64 << 20, ""},
		{"104857600", maxBuffer, "zoo.cfg:1: jute.maxbuffer is 104857600, and requests may have 67108864 bytes at most: that is what counts"},
		{"0x3effff", 0x3effff, ""},
		{"0x7fffffff", maxBuffer, "zoo.cfg:1: jute.maxbuffer is 0x7fffffff, and requests"},
		{"512", 0, ""}, {"-0x200000", 0, ""}, {"0b1111111111111", 0, ""}, {"1_000_000", 0, ""}, {"0x", 0, ""}, {"0xffffffff", 0, ""}, {"", 0, ""},
	}
	for _, tt := range tests {
		c, err := Parse("zoo.cfg", []byte("jute.maxbuffer="+tt.value))
		if c.MaxBuffer != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%q is %d, %v; want %d", tt.value, c.MaxBuffer, err, tt.want)
		}
		if warned := len(c.Warnings) == 1 && strings.HasPrefix(c.Warnings[0].String(), tt.warns); warned != (tt.warns != "") {
			t.Errorf("%q warns %v, want %q", tt.value, c.Warnings, tt.warns)
		}
	}
}
