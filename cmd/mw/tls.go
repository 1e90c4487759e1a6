package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/mwqueue/mw/zkserver/certs"
	"github.com/urfave/cli/v2"
)

// tlsFlags are for commands that talk to servers over TLS. They are global; those
// of "mw server" with these names are for the other side.
func tlsFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "tls", Usage: "speak TLS with servers whose certificates come from a CA that this machine trusts [$MW_TLS]"},
		&cli.StringFlag{Name: "tls-ca", Usage: "speak TLS with servers whose certificates come from those in the PEM `FILE` [$MW_TLS_CA]"},
		&cli.StringFlag{Name: "tls-cert", Usage: "show servers the certificates in the PEM `FILE`, read again at each connection [$MW_TLS_CERT]"},
		&cli.StringFlag{Name: "tls-key", Usage: "with the key in `FILE` [$MW_TLS_KEY]", DefaultText: "that of --tls-cert"},
	}
}

// A dialer opens connections.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// tlsDial opens connections as the flags say, over TLS. It is nil when TLS is not
// asked for.
func tlsDial(c *cli.Context) (dialer, error) {
	asked, err := tlsAsked(c)
	f := pemFiles{ca: global(c, "tls-ca"), cert: global(c, "tls-cert"), key: global(c, "tls-key")}
	switch {
	case err != nil:
		return nil, err
	case asked == nil && f == pemFiles{}, asked != nil && !*asked:
		return nil, nil
	case f.cert == "" && f.key != "":
		return nil, usagef(c, "--tls-key goes with --tls-cert")
	}
	if _, err := f.config(); err != nil { // now, rather than at each connection
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		return nil, &failure{err: err, code: exitUsage, hint: "--tls-ca, --tls-cert and --tls-key name PEM files"}
	}
	return f.dial, nil
}

// tlsAsked is what --tls says, or nil.
func tlsAsked(c *cli.Context) (*bool, error) {
	if at := givenAt(c, "tls"); at != nil {
		return new(at.Bool("tls")), nil
	}
	text := os.Getenv("MW_TLS")
	if text == "" {
		return nil, nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return nil, usagef(c, "MW_TLS is %q, must be true or false", text)
	}
	return &on, nil
}

// pemFiles are what a client reads to speak TLS. Without a CA it is this machine's
// CAs that count, without a certificate it shows none.
type pemFiles struct{ ca, cert, key string }

// config reads the files.
func (f pemFiles) config() (*tls.Config, error) {
	cfg := new(tls.Config)
	var err error
	if f.ca != "" {
		if cfg.RootCAs, err = certs.ReadCAs(f.ca); err != nil {
			return nil, err
		}
	}
	if f.cert == "" {
		return cfg, nil
	}
	key := f.key
	if key == "" {
		key = f.cert
	}
	pair, err := certs.ReadKeyPair(f.cert, key)
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, err
}

// dial connects, and checks that the certificate is that of the host in addr. The
// files are read each time: certificates are renewed while programs run.
func (f pemFiles) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	if cfg.ServerName, _, err = net.SplitHostPort(addr); err != nil {
		return nil, err
	}
	nc, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(nc, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		nc.Close()
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return nil, fmt.Errorf("%w: %w", errNoHandshake, err)
		}
		return nil, refusedTLS(err)
	}
	return secureConn{secure}, nil
}

// errNoHandshake says that a server hung up on a client that began to speak TLS.
var errNoHandshake = errors.New("no TLS handshake")

// errTLSRefused says that a server does not take our certificate, or none.
var errTLSRefused = errors.New("the server refuses the client's certificate")

// refusals are the alerts that say so. (RFC 8446, section 6.2.)
var refusals = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}

// refusedTLS puts errTLSRefused before what means it. The type that package tls has
// for alerts over TCP is its own, so that they are known by their texts.
func refusedTLS(err error) error {
	op, ok := errors.AsType[*net.OpError](err)
	if ok && op.Op == "remote error" && slices.ContainsFunc(refusals, func(a tls.AlertError) bool { return a.Error() == op.Err.Error() }) {
		return fmt.Errorf("%w: %w", errTLSRefused, err)
	}
	return err
}

// A secureConn says what is meant when a server refuses the certificate, which in
// TLS 1.3 is heard only by the first read.
type secureConn struct{ net.Conn }

func (s secureConn) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err != nil {
		err = refusedTLS(err)
	}
	return n, err
}

// tlsHint is what to do about a connection that was not made for the sake of TLS.
func tlsHint(err error) string {
	if errors.Is(err, errTLSRefused) {
		return "servers take clients whose certificates come from a CA of theirs: show yours with --tls-cert and --tls-key"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "name servers as their certificates do"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "--tls-ca names the file with the CA that the servers' certificates come from"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, errNoHandshake) {
		return "that is no port for TLS: name the one that is, or leave --tls, --tls-ca and --tls-cert away"
	}
	return ""
}
