package tcp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/mwqueue/mw/zkserver/certs/certstest"
	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

// memberConfig is of both ends of a connection, with a certificate for a name.
func memberConfig(t *testing.T, ca *certstest.Issuer, name string) *tls.Config {
	template := certstest.Named(name)
	template.DNSNames = []string{name}
	return &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, template)},
		RootCAs:      ca.Pool(), ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
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

func secured(t *testing.T, ca *certstest.Issuer, name func(number int) string) func(number int, c *tcp.Config, r *receiver) {
	return func(number int, c *tcp.Config, r *receiver) {
		cfg := memberConfig(t, ca, name(number))
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
	p := start(t, secured(t, certstest.NewIssuer(t, "authority"), func(number int) string { return fmt.Sprintf("member-%d", number) }))
	p.logs[0].wait(t, "member reached")
	p.logs[1].wait(t, "member reached")
	if err := p.ends[0].SendSnapshot(t.Context(), 2, sends(failing{})); err == nil {
		t.Error("a snapshot that cannot be read was sent")
	}
}

func TestCertificateOfAnotherMemberIsRefused(t *testing.T) {
	p := start(t, secured(t, certstest.NewIssuer(t, "authority"), func(number int) string {
		return map[int]string{1: "member-3", 2: "member-2"}[number]
	}))
	p.logs[0].wait(t, "member refuses this one")
	p.logs[1].wait(t, "member-3, not member-1")
}
