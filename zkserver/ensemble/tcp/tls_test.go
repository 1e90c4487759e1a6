package tcp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

// An authority signs the certificates of members.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

func (a *authority) config(t *testing.T, name string) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
}

// checkName refuses a member whose certificate has another name.
func checkName(m ensemble.Member, c net.Conn) error {
	certs := c.(*tls.Conn).ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return errors.New("no certificate")
	}
	return certs[0].VerifyHostname(fmt.Sprintf("member-%d", m.Number))
}

func secured(t *testing.T, a *authority, name func(number int) string) func(number int, c *tcp.Config, r *receiver) {
	return func(number int, c *tcp.Config, r *receiver) {
		cfg := a.config(t, name(number))
		c.Listener = tls.NewListener(c.Listener, cfg)
		c.Check = checkName
		c.Dial = func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
			own := cfg.Clone()
			own.ServerName = fmt.Sprintf("member-%d", to.Number)
			return (&tls.Dialer{Config: own}).DialContext(ctx, "tcp", to.Address)
		}
	}
}

func TestMembersSpeakTLS(t *testing.T) {
	p := start(t, secured(t, newAuthority(t), func(number int) string { return fmt.Sprintf("member-%d", number) }))
	p.logs[0].wait(t, "member reached")
	p.logs[1].wait(t, "member reached")
	if err := p.ends[0].SendSnapshot(t.Context(), 2, sends(failing{})); err == nil {
		t.Error("a snapshot that cannot be read was sent")
	}
}

func TestCertificateOfAnotherMemberIsRefused(t *testing.T) {
	p := start(t, secured(t, newAuthority(t), func(number int) string {
		return map[int]string{1: "member-3", 2: "member-2"}[number]
	}))
	p.logs[0].wait(t, "member refuses this one")
	p.logs[1].wait(t, "member-3, not member-1")
}
