package zkserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/certs"
	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/ensemble/tcp"
)

// PeerTLS says how the members of an ensemble speak TLS to each other, version
// 1.3 and with certificates on both ends. The zero value is not to.
type PeerTLS struct {
	// Cert and Key are PEM files with this member's certificates, its own first,
	// and its key; they may be one file. CA has the certificates that those of
	// the others must come from. The files are read again when they change; as
	// long as what they have then is no good, what was read before stays in use.
	Cert, Key, CA string

	// AnyName takes certificates that are not for the host in the Address of the
	// member that shows them.
	AnyName bool

	// TakePlain lets members in that do not speak TLS, and DialPlain does not
	// speak it to others. An ensemble moves to TLS without a pause when its
	// members are restarted one by one with both, then with TakePlain alone, and
	// then with neither.
	TakePlain, DialPlain bool
}

// on reports whether TLS is spoken at all.
func (t *PeerTLS) on() bool { return t.Cert != "" }

func (t *PeerTLS) check() error {
	switch {
	case !t.on() && t.Key == "" && t.CA == "":
	case t.Cert == "" || t.Key == "" || t.CA == "":
		return errors.New("zkserver: TLS between members needs a certificate, its key, and the CA of the others' certificates")
	}
	return nil
}

// securePeers makes the transport speak TLS. Who shows no certificate, or a wrong
// one, is let in just far enough to say which member it claims to be: so the log
// of both ends can name it.
func (s *Server) securePeers(cfg *tcp.Config) error {
	t := s.cfg.Ensemble.TLS
	files := certs.Files{Cert: t.Cert, Key: t.Key, CA: t.CA}
	r, err := certs.Open(files, &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13}, s.log)
	if err != nil {
		return fmt.Errorf("zkserver: TLS between members: %w", err)
	}
	p := &peerKeys{cfg: t, certs: r}
	cfg.Listener = peerListener{cfg.Listener, p}
	cfg.Check = p.check
	if cfg.Dial == nil {
		cfg.Dial = tcp.Dial
	}
	if !t.DialPlain {
		cfg.Dial = p.dialer(cfg.Dial)
	}
	return nil
}

// peerKeys are the certificates of this member and what it thinks of others'.
type peerKeys struct {
	cfg   PeerTLS
	certs *certs.Reloader
}

// accepting is what a handshake with one who dialed begins with.
func (p *peerKeys) accepting() *tls.Config {
	current := func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := p.certs.Current(time.Now()).Clone()
		c.ClientCAs = nil // or it would be judged before it has said who it is
		c.SessionTicketsDisabled = true
		return c, nil
	}
	return &tls.Config{GetConfigForClient: current}
}

// dialer makes TLS connections of those that dial makes.
func (p *peerKeys) dialer(dial func(context.Context, ensemble.Member) (net.Conn, error)) func(context.Context, ensemble.Member) (net.Conn, error) {
	return func(ctx context.Context, to ensemble.Member) (net.Conn, error) {
		nc, err := dial(ctx, to)
		if err != nil {
			return nil, err
		}
		c := p.certs.Current(time.Now()).Clone()
		c.RootCAs, c.ClientCAs = c.ClientCAs, nil
		c.InsecureSkipVerify = true // by check, which knows the member
		secure := tls.Client(nc, c)
		ctx, cancel := context.WithTimeout(ctx, handshakeTime)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, fmt.Errorf("%w: is member %d configured for TLS, too?", err, to.Number)
		}
		if err := p.check(to, secure); err != nil {
			nc.Close()
			return nil, err
		}
		return secure, nil
	}
}

// check says what is wrong with the certificate of the member at the other end.
func (p *peerKeys) check(m ensemble.Member, c net.Conn) error {
	plain := p.cfg.DialPlain // for what we dialed
	if e, ok := c.(*eitherPeer); ok {
		c, plain = e.inner, p.cfg.TakePlain
	}
	secure, ok := c.(*tls.Conn)
	if !ok {
		if plain {
			return nil
		}
		return errors.New("it does not speak TLS")
	}
	certs := secure.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return errors.New("it shows no certificate")
	}
	options := x509.VerifyOptions{
		Roots: p.certs.Current(time.Now()).ClientCAs, Intermediates: x509.NewCertPool(),
	}
	for _, c := range certs[1:] {
		options.Intermediates.AddCert(c)
	}
	if !p.cfg.AnyName {
		host, _, err := net.SplitHostPort(m.Address)
		if err != nil {
			return fmt.Errorf("its address is %q, so its certificate cannot be compared with it", m.Address)
		}
		options.DNSName = host
	}
	// A member dials and is dialed. Of several usages at once any would do.
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := certs[0].Verify(options); err != nil {
			return fmt.Errorf("its certificate, of %s, is no good: %w", certs[0].Subject, err)
		}
	}
	return nil
}

// A peerListener gives connections that may be TLS ones.
type peerListener struct {
	net.Listener
	keys *peerKeys
}

// Accept implements net.Listener.
func (l peerListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &eitherPeer{Conn: nc, keys: l.keys}, nil
}

// An eitherPeer is a connection of another member, over TLS or not: the first
// byte shows it. One that is not is told so when it has said who it is.
type eitherPeer struct {
	net.Conn
	keys *peerKeys

	once  sync.Once
	inner net.Conn // set by once
}

// decide reads the first byte. The TLS handshake is part of the first Read.
func (e *eitherPeer) decide() {
	first := make([]byte, 1)
	n, _ := e.Conn.Read(first) // an error comes again
	e.inner = &begun{Conn: e.Conn, first: first[:n]}
	if n > 0 && first[0] == tlsRecord {
		e.inner = tls.Server(e.inner, e.keys.accepting())
	}
}

// Read implements net.Conn.
func (e *eitherPeer) Read(p []byte) (int, error) {
	e.once.Do(e.decide)
	return e.inner.Read(p)
}

// Write implements net.Conn.
func (e *eitherPeer) Write(p []byte) (int, error) {
	e.once.Do(e.decide)
	return e.inner.Write(p)
}
