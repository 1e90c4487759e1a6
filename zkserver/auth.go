package zkserver

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mwqueue/mw/zkserver/certs"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

const (
	schemeDigest = "digest"
	schemeIP     = "ip"
	schemeX509   = "x509"
	schemeSuper  = "super" // may do everything; no client can name it
)

// addrIdentity is what every connection starts with.
func addrIdentity(addr netip.Addr) []tree.ID {
	if !addr.IsValid() {
		return nil
	}
	return []tree.ID{{Scheme: schemeIP, ID: addr.WithZone("").String()}}
}

// auth answers an auth request. One that proves nothing is the connection's last;
// one that does not decode is so without an answer.
func (c *conn) auth(xid int32, o *op, body []byte) (more bool, err error) {
	var q wire.AuthRequest
	if wire.Decode(body, &q) != nil {
		return false, c.serve(xid, authCut, nil)
	}
	if !c.authenticate(&q) {
		c.srv.stats.authFailed.Add(1)
		return false, c.serve(xid, authFailed, nil)
	}
	return true, c.serve(xid, o, nil)
}

// authenticate adds the identity that an auth request proves to the
// connection. It reports false when it proves none.
func (c *conn) authenticate(q *wire.AuthRequest) bool {
	switch q.Scheme {
	case schemeDigest:
		return q.Auth != nil && c.authenticateDigest(string(q.Auth))
	case schemeIP:
		return c.addr.IsValid() // known from the start
	case schemeX509:
		return c.certificate() != nil // known from the start, too
	default:
		c.log.Warn().Str("scheme", strconv.Quote(q.Scheme[:min(len(q.Scheme), 32)])).Msg("authentication refused")
		return false
	}
}

// authenticateDigest always succeeds: a password opens what was protected with
// it, and no more.
func (c *conn) authenticateDigest(secret string) bool {
	id := digestID(secret)
	if super := c.srv.cfg.SuperDigest; super != "" && hmac.Equal([]byte(id), []byte(super)) {
		if !c.addIdentity(tree.ID{Scheme: schemeSuper}) {
			return false
		}
	}
	return c.addIdentity(tree.ID{Scheme: schemeDigest, ID: id})
}

// identify adds the identity that a client has proven with its certificate, if
// the connection is a TLS one and the client sent any. It reports false when
// the identity cannot be kept; the connection then ends.
func (c *conn) identify() bool {
	cert := c.certificate()
	if cert == nil {
		return true
	}
	name, err := certs.Subject(cert.RawSubject)
	if err != nil {
		c.log.Warn().Err(err).Msg("certificate refused")
		return false
	}
	if name == c.srv.cfg.SuperX509 && name != "" && !c.addIdentity(tree.ID{Scheme: schemeSuper, ID: name}) {
		return false
	}
	return c.addIdentity(tree.ID{Scheme: schemeX509, ID: name})
}

// certificate is the client's, nil if it has shown none that is an identity here.
func (c *conn) certificate() *x509.Certificate {
	secure, ok := c.nc.(interface{ ConnectionState() tls.ConnectionState })
	if !ok || !c.srv.cfg.X509 {
		return nil
	}
	chain := secure.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return nil
	}
	return chain[0]
}

// addIdentity reports false, and changes nothing, when the identity is too long
// or would be one too many.
func (c *conn) addIdentity(id tree.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.ids, id) {
		return true
	}
	if len(c.ids) >= maxIdentities || len(id.ID) > maxIdentityBytes {
		return false
	}
	ids := append(slices.Clip(c.ids), id)
	set := appendIdentities(nil, ids)
	if len(set) > maxAuthSetBytes {
		return false
	}
	c.ids, c.authSet = ids, set
	return true
}

// digestID turns "user:password" into the identity that stands in ACLs, as
// DigestAuthenticationProvider.generateDigest does: the user, and the unsalted
// SHA-1 of the whole.
func digestID(secret string) string {
	user, _, _ := strings.Cut(secret, ":")
	sum := sha1.Sum([]byte(secret))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}
