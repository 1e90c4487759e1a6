package zkserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/certs"
)

// TLS says how to serve clients over TLS. The zero value is not to.
type TLS struct {
	// Listen is the address for clients that speak TLS at once, as on Apache
	// ZooKeeper's secureClientPort; Listener is used in place of it when it is
	// not nil. Both may be empty if Unify is set.
	Listen   string
	Listener net.Listener

	// Unify makes the address for other clients take TLS, too: which it is
	// shows in the first byte.
	Unify bool

	// Only leaves the address for other clients closed.
	Only bool

	// Cert and Key are PEM files with the server's certificates, its own
	// first, and its key; they may be one file. CA has the certificates that
	// those of clients must come from; it must be set unless ClientAuth is
	// NoClientCert. The files are read again when they change; as long as what
	// they have then is no good, what was read before stays in use.
	Cert, Key, CA string

	// ClientAuth says whether clients must have a certificate.
	ClientAuth tls.ClientAuthType

	// MinVersion and MaxVersion bound the version, as in package tls.
	// CipherSuites are those allowed with TLS 1.2. Zero: the defaults of
	// package tls.
	MinVersion, MaxVersion uint16
	CipherSuites           []uint16
}

// on reports whether TLS is served anywhere.
func (t *TLS) on() bool { return t.Listen != "" || t.Listener != nil || t.Unify }

// check says what is wrong with the configuration.
func (t *TLS) check() error {
	switch {
	case !t.on():
		if t.Only {
			return errors.New("zkserver: no address to serve clients on")
		}
	case t.Cert == "" || t.Key == "":
		return errors.New("zkserver: TLS needs a certificate and its key")
	case t.CA == "" && t.ClientAuth != tls.NoClientCert:
		return errors.New("zkserver: to ask clients for certificates takes the CA they come from")
	}
	return nil
}

// open reads the files.
func (t *TLS) open(log zerolog.Logger) (*certs.Reloader, error) {
	return certs.Open(certs.Files{Cert: t.Cert, Key: t.Key, CA: t.CA}, &tls.Config{
		ClientAuth: t.ClientAuth, MinVersion: t.MinVersion, MaxVersion: t.MaxVersion, CipherSuites: t.CipherSuites,
	}, log)
}

// TLSAddr is where the server listens for TLS, or nil.
func (s *Server) TLSAddr() net.Addr {
	if s.tlsListener == nil {
		return nil
	}
	return s.tlsListener.Addr()
}

// overTLS reports whether the connection is encrypted.
func (c *conn) overTLS() bool {
	_, ok := c.nc.(*tls.Conn)
	return ok
}

// A door says what is spoken on a listener.
type door uint8

const (
	plainDoor door = iota
	tlsDoor
	eitherDoor
)

// tlsRecord is the first byte of a TLS handshake. No length of a frame begins so
// within the limit of a first frame, and no four-letter word does.
const tlsRecord = 0x16

// errNoTLS says that a client spoke no TLS, or none that could be agreed on.
var errNoTLS = errors.New("zkserver: TLS handshake failed")

// enter does what comes before the protocol on a new connection: the TLS
// handshake, if there is to be one. It takes no longer than handshakeTime, and
// closes nc when it fails.
func (s *Server) enter(ctx context.Context, nc net.Conn, d door) (net.Conn, error) {
	if d == plainDoor {
		return nc, nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if d == eitherDoor {
		first, err := firstByte(ctx, nc)
		if err != nil {
			nc.Close()
			return nil, fmt.Errorf("%w: %w", errClientGone, err)
		}
		nc = &begun{Conn: nc, first: []byte{first}}
		if first != tlsRecord {
			return nc, nil
		}
	}
	s.stats.handshakes.Add(1)
	defer s.stats.handshakes.Add(-1)
	secure := tls.Server(nc, s.certs.Server())
	if err := secure.HandshakeContext(ctx); err != nil {
		s.stats.badHandshakes.Add(1)
		if ctx.Err() != nil {
			s.stats.lateHandshakes.Add(1)
		}
		nc.Close()
		return nil, fmt.Errorf("%w: %w", errNoTLS, err)
	}
	return secure, nil
}

// firstByte reads one byte, until ctx ends.
func firstByte(ctx context.Context, nc net.Conn) (byte, error) {
	defer context.AfterFunc(ctx, func() { nc.SetReadDeadline(time.Unix(1, 0)) })()
	var b [1]byte
	_, err := nc.Read(b[:])
	return b[0], err
}

// begun is a connection of which some bytes have been read already.
type begun struct {
	net.Conn
	first []byte
}

// Read gives the bytes that were read, and then the rest.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// CloseWrite is that of the connection, for linger.
func (b *begun) CloseWrite() error {
	if half, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
