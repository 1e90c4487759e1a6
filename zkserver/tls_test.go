package zkserver_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/certs/certstest"
	"github.com/mwqueue/mw/zkserver/wire"
)

// issue returns a certificate for this machine, and its key, in one PEM text.
func issue(t testing.TB, ca *certstest.Issuer, subject pkix.Name) []byte {
	return issueFor(t, ca, subject, net.IPv4(127, 0, 0, 1))
}

// issueFor is issue for a machine.
func issueFor(t testing.TB, ca *certstest.Issuer, subject pkix.Name, ip net.IP) []byte {
	return certstest.PEM(t, ca.Issue(t, x509.Certificate{Subject: subject, IPAddresses: []net.IP{ip}}))
}

// put writes a file and returns its name.
func put(t testing.TB, dir, name string, text []byte) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// secured is a configuration with a certificate of the issuer's for both sides.
func secured(t testing.TB, ca *certstest.Issuer) zkserver.Config {
	dir := t.TempDir()
	server := put(t, dir, "server.pem", issue(t, ca, pkix.Name{CommonName: "server"}))
	return zkserver.Config{
		Listen: "127.0.0.1:0", Dir: t.TempDir(), X509: true,
		TLS: zkserver.TLS{Listen: "127.0.0.1:0", Cert: server, Key: server, CA: put(t, dir, "ca.pem", ca.PEM()), ClientAuth: tls.RequireAndVerifyClientCert},
	}
}

// dialTLS connects over TLS, with a certificate if there is one.
func dialTLS(t testing.TB, addr net.Addr, ca *certstest.Issuer, own []byte) (*client, error) {
	t.Helper()
	cfg := &tls.Config{RootCAs: ca.Pool()}
	if own != nil {
		pair, err := tls.X509KeyPair(own, own)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	nc, err := tls.Dial("tcp", addr.String(), cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t: t, nc: nc, br: bufio.NewReader(nc)}, nil
}

func TestAClientCertificateIsAnIdentity(t *testing.T) {
	ca := certstest.NewIssuer(t, "ca")
	s := run(t, secured(t, ca))
	c, err := dialTLS(t, s.TLSAddr(), ca, issue(t, ca, pkix.Name{CommonName: "ann", Organization: []string{"example"}}))
	if err != nil {
		t.Fatal(err)
	}
	if !c.handshake(wire.ConnectRequest{TimeoutMillis: 10_000}) {
		t.Fatal("no session")
	}
	r := c.do(wire.OpWhoAmI, &wire.Empty{}, nil)
	if !bytes.Contains(r.body, []byte("x509")) || !bytes.Contains(r.body, []byte("CN=ann,O=example")) {
		t.Errorf("whoAmI: %q", r.body)
	}
}

func TestAClientWithoutCertificateIsRefused(t *testing.T) {
	ca := certstest.NewIssuer(t, "ca")
	s := run(t, secured(t, ca))
	for name, own := range map[string][]byte{"none": nil, "of another CA": issue(t, certstest.NewIssuer(t, "other"), pkix.Name{CommonName: "eve"})} {
		c, err := dialTLS(t, s.TLSAddr(), ca, own)
		if err != nil {
			continue // with TLS 1.3 the refusal comes with the first read
		}
		if b, err := c.br.ReadByte(); err == nil {
			t.Errorf("certificate %s: the server sends %d, want a refusal", name, b)
		}
	}
	// The client may hear of the refusal before it is counted.
	for end := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		got := s.Report(0).Counters["unsuccessful_handshake"]
		if got == 2 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d failed handshakes are counted, want 2", got)
		}
	}
}

func TestOnePortForClientsWithAndWithoutTLS(t *testing.T) {
	ca := certstest.NewIssuer(t, "ca")
	cfg := secured(t, ca)
	cfg.TLS.Listen, cfg.TLS.Unify, cfg.TLS.ClientAuth = "", true, tls.NoClientCert
	s := run(t, cfg)
	over, err := dialTLS(t, s.Addr(), ca, nil)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	plain := &client{t: t, nc: nc, br: bufio.NewReader(nc)}
	for name, c := range map[string]*client{"TLS": over, "plain": plain} {
		if !c.handshake(wire.ConnectRequest{TimeoutMillis: 10_000}) {
			t.Fatalf("no session over %s", name)
		}
	}
	plain.create("/a", "", 0)
	over.exists("/a", false)
	if r := s.Report(0); r.Open != 2 || r.OpenTLS != 1 {
		t.Errorf("%d connections, %d over TLS, want 2 and 1", r.Open, r.OpenTLS)
	}
}

func TestWithTLSOnlyThereIsNoPlainPort(t *testing.T) {
	cfg := secured(t, certstest.NewIssuer(t, "ca"))
	cfg.TLS.Only = true
	s := run(t, cfg)
	if s.Addr() != s.TLSAddr() {
		t.Errorf("listens at %v and for TLS at %v", s.Addr(), s.TLSAddr())
	}
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	nc.Write([]byte("srvr\r\n\r\n"))
	b, _ := bufio.NewReader(nc).ReadString(0)
	if strings.Contains(b, "version") {
		t.Errorf("a word without TLS is answered %q", b)
	}
}

func TestBadTLSFilesAreErrorsThatSayWhatToDo(t *testing.T) {
	ca := certstest.NewIssuer(t, "ca")
	dir := t.TempDir()
	good := put(t, dir, "good.pem", issue(t, ca, pkix.Name{CommonName: "server"}))
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	tests := []struct {
		name string
		tls  zkserver.TLS
		want string
	}{
		{"no file", zkserver.TLS{Cert: dir + "/none", Key: good}, "none: no such file"},
		{"key store", zkserver.TLS{Cert: good, Key: put(t, dir, "a.jks", []byte("\xfe\xed\xfe\xed\x00"))}, "it is a Java key store, must be PEM: keytool"},
		{"password", zkserver.TLS{Cert: good, Key: put(t, dir, "locked.pem", locked)}, "has a password: take it off with openssl pkey"},
		{"CA", zkserver.TLS{Cert: good, Key: good, CA: put(t, dir, "ca.p12", []byte("0\x82")), ClientAuth: tls.RequireAndVerifyClientCert}, "it is DER or PKCS12, must be PEM"},
		{"another's key", zkserver.TLS{Cert: put(t, dir, "ca.pem", ca.PEM()), Key: good}, "private key does not match"},
		{"no CA", zkserver.TLS{Cert: good, Key: good, ClientAuth: tls.RequireAndVerifyClientCert}, "takes the CA"},
	}
	for _, tt := range tests {
		tt.tls.Listen = "127.0.0.1:0"
		_, err := zkserver.Open(zkserver.Config{Listen: "127.0.0.1:0", Dir: filepath.Join(dir, "data"), TLS: tt.tls})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
