package difftest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/difftest"
)

// certs are the certificates of servers and of people, all from one issuer.
type certs struct {
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	people map[string]tls.Certificate

	caFile, serverFile string // PEM; the latter has the key, too
}

func makeCerts(t *testing.T) *certs {
	t.Helper()
	c := &certs{people: make(map[string]tls.Certificate)}
	authority := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	made := c.issue(t, authority, pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "ca"}}})
	c.ca, c.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	use := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, p := range difftest.People {
		c.people[p.Name] = c.issue(t, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: use}, p.Subject)
	}
	server := c.issue(t, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: use, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, pkix.RDNSequence{})
	secret, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c.caFile, c.serverFile = filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "server.pem")
	writePEM(t, c.caFile, pem.Block{Type: "CERTIFICATE", Bytes: c.ca.Raw})
	writePEM(t, c.serverFile, pem.Block{Type: "CERTIFICATE", Bytes: server.Leaf.Raw}, pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return c
}

// issue makes a certificate: the first is its own issuer.
func (c *certs) issue(t *testing.T, template *x509.Certificate, subject pkix.RDNSequence) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.RawSubject, err = asn1.Marshal(subject); err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(int64(len(c.people) + 1))
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := c.ca, c.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func writePEM(t *testing.T, name string, blocks ...pem.Block) {
	t.Helper()
	var text []byte
	for i := range blocks {
		text = append(text, pem.EncodeToMemory(&blocks[i])...)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// config is the client's side of a connection.
func (c *certs) config(person string) *tls.Config {
	cfg := &tls.Config{RootCAs: x509.NewCertPool()}
	cfg.RootCAs.AddCert(c.ca)
	if person != difftest.Nobody {
		cfg.Certificates = []tls.Certificate{c.people[person]}
	}
	return cfg
}

// startSecure starts a server of ours that takes certificates and does not insist on
// them, with the options of startOurs.
func (c *certs) startSecure(t *testing.T, more ...func(*zkserver.Config)) difftest.Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := startOurs(t, 1, append(more, func(cfg *zkserver.Config) {
		cfg.X509, cfg.SuperX509 = true, "CN="+difftest.SuperPerson
		cfg.TLS = zkserver.TLS{Listener: ln, Cert: c.serverFile, Key: c.serverFile, CA: c.caFile, ClientAuth: tls.VerifyClientCertIfGiven}
	})...)
	return difftest.Server{Addr: plain, Secure: ln.Addr().String(), TLS: c.config}
}

// lines are what makes a reference like that, listening for TLS at addr.
func (c *certs) lines(addr string) []string {
	host, port, _ := net.SplitHostPort(addr)
	return []string{
		"secureClientPort=" + port, "secureClientPortAddress=" + host, "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
		"ssl.keyStore.location=" + c.serverFile, "ssl.keyStore.type=PEM", "ssl.trustStore.location=" + c.caFile, "ssl.trustStore.type=PEM",
		"ssl.clientAuth=want", "X509AuthenticationProvider.superUser=CN=" + difftest.SuperPerson,
	}
}
