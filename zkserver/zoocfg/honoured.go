package zoocfg

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// maxBuffer is the largest jute.maxbuffer: a request is written to the log in one
// piece.
const maxBuffer = 64 << 20

// own are the keys that the reference does not have, and leaves without effect.
var own = []key{
	{name: "linearizableReads", set: boolean(func(c *Config) *bool { return &c.Linearizable })},
}

// honoured are the keys that do here what they do in the reference, in the
// order of the Administrator's Guide.
var honoured = []key{
	{name: "clientPort", set: number(func(c *Config) *int { return &c.ClientPort }, 0, 65535, "a port")},
	{name: "secureClientPort", set: number(func(c *Config) *int { return &c.SecureClientPort }, 0, 65535, "a port")},
	{name: "dataDir", set: directory(func(c *Config) *string { return &c.DataDir })},
	{name: "dataLogDir", set: directory(func(c *Config) *string { return &c.DataLogDir })},
	{name: "datadir.autocreate", set: func(c *Config, v string) error {
		create, err := parseBool(v)
		c.NoCreate = !create
		return err
	}},
	{name: "tickTime", set: millis(func(c *Config) *time.Duration { return &c.TickTime }, 1)},
	{name: "preAllocSize", set: scaled(func(c *Config) *int64 { return &c.PreAllocBytes }, 1<<10, 1, 1<<21, "a number of KiB")},
	{name: "snapCount", set: number(func(c *Config) *int64 { return &c.SnapCount }, 2, 1<<40, "a number")},
	{name: "snapSizeLimitInKb", set: func(c *Config, v string) error {
		if strings.HasPrefix(v, "-") || v == "0" {
			c.SnapBytes = 0
			return nil
		}
		return scaled(func(c *Config) *int64 { return &c.SnapBytes }, 1<<10, 1, 1<<40, "a number of KiB")(c, v)
	}},
	{name: "maxCnxns", set: number(func(c *Config) *int { return &c.MaxConns }, 0, 1<<30, "a number")},
	{name: "maxClientCnxns", set: number(func(c *Config) *int { return &c.MaxClientConns }, 0, 1<<30, "a number")},
	{name: "clientPortAddress", set: text(func(c *Config) *string { return &c.ClientAddress })},
	{name: "secureClientPortAddress", set: text(func(c *Config) *string { return &c.SecureClientAddress })},
	{name: "minSessionTimeout", set: sessionTimeout(func(c *Config) *time.Duration { return &c.MinSessionTimeout })},
	{name: "maxSessionTimeout", set: sessionTimeout(func(c *Config) *time.Duration { return &c.MaxSessionTimeout })},
	{name: "fsync.warningthresholdms", set: millis(func(c *Config) *time.Duration { return &c.FsyncWarning }, 0)},
	{name: "extendedTypesEnabled", set: boolean(func(c *Config) *bool { return &c.TTLNodes })},
	{name: "znode.container.checkIntervalMs", set: millis(func(c *Config) *time.Duration { return &c.ContainerCheck }, 1)},
	{name: "znode.container.maxPerMinute", set: number(func(c *Config) *int { return &c.ContainersPerMinute }, 1, 1<<30, "a number")},
	{name: "znode.container.maxNeverUsedIntervalMs", set: millis(func(c *Config) *time.Duration { return &c.NeverUsedContainer }, 0)},

	{name: "initLimit", set: number(func(c *Config) *int { return &c.InitLimit }, 1, 1<<30, "a number of ticks")},
	{name: "syncLimit", set: number(func(c *Config) *int { return &c.SyncLimit }, 1, 1<<30, "a number of ticks")},
	{name: "electionAlg", set: func(_ *Config, v string) error {
		if v != "3" {
			return errors.New("must be 3, the only one there is since ZooKeeper 3.6: remove the line")
		}
		return nil
	}},
	{name: "peerType", set: only(func(c *Config) *string { return &c.PeerType }, "participant", "observer")},
	{name: "standaloneEnabled", set: boolean(func(c *Config) *bool { return &c.Standalone })},
	{name: "quorumListenOnAllIPs", set: boolean(func(c *Config) *bool { return &c.ListenOnAll })},
	{name: "readonlymode.enabled", set: boolean(func(c *Config) *bool { return &c.ReadOnly })},
	{name: "sslQuorum", set: boolean(func(c *Config) *bool { return &c.PeerTLS.On })},
	{name: "portUnification", set: boolean(func(c *Config) *bool { return &c.PeerTLS.Unify })},
	{name: "ssl.quorum.keyStore.location", set: text(func(c *Config) *string { return &c.PeerTLS.KeyStore })},
	{name: "ssl.quorum.keyStore.type", set: storeType},
	{name: "ssl.quorum.trustStore.location", set: text(func(c *Config) *string { return &c.PeerTLS.TrustStore })},
	{name: "ssl.quorum.trustStore.type", set: storeType},
	{name: "ssl.quorum.hostnameVerification", set: func(c *Config, v string) error {
		verify, err := parseBool(v)
		c.PeerTLS.AnyName = !verify
		return err
	}},
	{name: "dynamicConfigFile", set: text(func(c *Config) *string { return &c.DynamicFile })},
	{name: "enforceQuota", set: boolean(func(c *Config) *bool { return &c.EnforceQuota })},
	{name: "reconfigEnabled", set: boolean(func(c *Config) *bool { return &c.Reconfig })},
	{name: "4lw.commands.whitelist", set: list(func(c *Config) *[]string { return &c.Words })},

	{name: "DigestAuthenticationProvider.superDigest", other: []string{"superDigest"}, set: setSuperDigest},
	{name: "X509AuthenticationProvider.superUser", set: text(func(c *Config) *string { return &c.X509SuperUser })},
	{name: "ssl.keyStore.location", set: text(func(c *Config) *string { return &c.TLS.KeyStore })},
	{name: "ssl.keyStore.type", set: storeType},
	{name: "ssl.trustStore.location", set: text(func(c *Config) *string { return &c.TLS.TrustStore })},
	{name: "ssl.trustStore.type", set: storeType},
	{name: "ssl.clientAuth", set: only(func(c *Config) *string { return &c.TLS.ClientAuth }, "none", "want", "need")},
	{name: "ssl.protocol", set: func(c *Config, v string) error {
		if len(c.TLS.Protocols) > 0 && c.Given("ssl.enabledProtocols") {
			return nil
		}
		return protocols(c, v)
	}},
	{name: "ssl.enabledProtocols", set: protocols},
	{name: "ssl.ciphersuites", set: list(func(c *Config) *[]string { return &c.TLS.CipherSuites })},
	{name: "client.portUnification", set: boolean(func(c *Config) *bool { return &c.PortUnification })},

	{name: "jute.maxbuffer", set: setMaxBuffer},

	{name: "admin.enableServer", set: boolean(func(c *Config) *bool { return &c.Admin.Enabled })},
	{name: "admin.serverAddress", set: text(func(c *Config) *string { return &c.Admin.Address })},
	{name: "admin.serverPort", set: number(func(c *Config) *int { return &c.Admin.Port }, 0, 65535, "a port")},
	{name: "admin.idleTimeout", set: millis(func(c *Config) *time.Duration { return &c.Admin.Idle }, 1)},
	{name: "admin.commandURL", set: func(c *Config, v string) error {
		if !strings.HasPrefix(v, "/") || strings.ContainsAny(v, " {}?#") || strings.Contains(v, "//") ||
			strings.Contains(v+"/", "/./") || strings.Contains(v+"/", "/../") {
			return errors.New("must be a path like /commands")
		}
		c.Admin.URL = strings.TrimSuffix(v, "/")
		return nil
	}},
	{name: "metricsProvider.className", set: func(c *Config, v string) error {
		class := v[strings.LastIndexByte(v, '.')+1:]
		switch class {
		case "PrometheusMetricsProvider":
			c.Metrics.Prometheus = true
		case "DefaultMetricsProvider", "NullMetricsProvider":
			c.Metrics.Prometheus = false
		default:
			return errors.New("must be org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider or org.apache.zookeeper.metrics.impl.DefaultMetricsProvider: Java classes cannot be run here")
		}
		return nil
	}},
	{name: "metricsProvider.httpHost", set: text(func(c *Config) *string { return &c.Metrics.Address })},
	{name: "metricsProvider.httpPort", set: number(func(c *Config) *int { return &c.Metrics.Port }, 0, 65535, "a port")},
	{name: "metricsProvider.exportJvmInfo", set: boolean(func(c *Config) *bool { return &c.Metrics.Process })},
}

func directory(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if v == "" {
			return errors.New("must be a directory")
		}
		*field(c) = filepath.Clean(v)
		return nil
	}
}

// sessionTimeout takes -1 for the default, as the reference does.
func sessionTimeout(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		if v == "-1" {
			*field(c) = 0
			return nil
		}
		return millis(field, 1)(c, v)
	}
}

// setMaxBuffer takes what Java's Integer.getInteger does, hexadecimal numbers
// among them. Who sets more than there can be gets that, and a word about it.
func setMaxBuffer(c *Config, v string) error {
	n, err := decodeInt(v)
	if err != nil || n < 1<<10 {
		return fmt.Errorf("must be a number of bytes from %d to %d", 1<<10, maxBuffer)
	}
	c.MaxBuffer = int(min(n, maxBuffer))
	if n > maxBuffer {
		return remark(fmt.Sprintf("is %s, and requests may have %d bytes at most: that is what counts", v, maxBuffer))
	}
	return nil
}

// decodeInt reads a number of 32 bits as java.lang.Integer.decode does.
func decodeInt(v string) (int64, error) {
	digits := strings.TrimPrefix(v, "+")
	for _, prefix := range []string{"0x", "0X", "#"} {
		if hex, ok := strings.CutPrefix(digits, prefix); ok {
			return strconv.ParseInt(hex, 16, 32)
		}
	}
	if octal, ok := strings.CutPrefix(digits, "0"); ok && octal != "" {
		return strconv.ParseInt(octal, 8, 32)
	}
	return strconv.ParseInt(digits, 10, 32)
}

func setSuperDigest(c *Config, v string) error {
	if user, hash, _ := strings.Cut(v, ":"); user != "super" || hash == "" {
		return errors.New(`must be "super:" and the Base64 of the SHA-1 of "super:PASSWORD"`)
	}
	c.SuperDigest = v
	return nil
}

// convert says how to make a PEM file of a Java key store.
const convert = "convert it: keytool -importkeystore -srckeystore FILE -destkeystore store.p12 -deststoretype PKCS12, then openssl pkcs12 -in store.p12 -nodes -out store.pem"

func storeType(_ *Config, v string) error {
	switch strings.ToUpper(v) {
	case "", "PEM":
		return nil
	case "JKS", "PKCS12", "BCFKS":
		return fmt.Errorf("and only PEM files can be read: %s", convert)
	}
	return errors.New("must be PEM")
}

// Store says what is wrong with the name of a key or trust store, or nil.
func Store(file string) error {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".jks", ".p12", ".pfx", ".bcfks":
		return fmt.Errorf("%s is no PEM file, and only those can be read: %s", file, strings.ReplaceAll(convert, "FILE", file))
	}
	return nil
}

func protocols(c *Config, v string) error {
	var names []string
	for name := range strings.SplitSeq(v, ",") {
		name = strings.TrimSpace(name)
		switch name {
		case "TLSv1.2", "TLSv1.3":
			names = append(names, name)
		case "TLSv1", "TLSv1.1":
			return errors.New("but TLS 1.0 and 1.1 are broken: use TLSv1.2, TLSv1.3 or both with a comma between")
		default:
			return errors.New("must be TLSv1.2, TLSv1.3 or both with a comma between")
		}
	}
	c.TLS.Protocols = names
	return nil
}
