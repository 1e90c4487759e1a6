package difftest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/certs/certstest"
	"github.com/mwqueue/mw/zkserver/difftest"
)

// certs are the certificates of servers and of people, all from one issuer.
type certs struct {
	issuer *certstest.Issuer
	people map[string]tls.Certificate

	caFile, serverFile string // PEM; the latter has the key, too
}

func makeCerts(t *testing.T) *certs {
	t.Helper()
	c := &certs{issuer: certstest.NewIssuer(t, "ca"), people: make(map[string]tls.Certificate)}
	for _, p := range difftest.People {
		subject, err := asn1.Marshal(p.Subject)
		if err != nil {
			t.Fatal(err)
		}
		c.people[p.Name] = c.issuer.Issue(t, x509.Certificate{RawSubject: subject})
	}
	c.caFile, c.serverFile = filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "server.pem")
	server := c.issuer.Issue(t, certstest.Server("server"))
	for name, text := range map[string][]byte{c.caFile: c.issuer.PEM(), c.serverFile: certstest.PEM(t, server)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// config is the client's side of a connection.
func (c *certs) config(person string) *tls.Config {
	cfg := &tls.Config{RootCAs: c.issuer.Pool()}
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
