package zkserver

import (
	"crypto/sha1"
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

const (
	schemeDigest = "digest"
	schemeIP     = "ip"
)

// addrIdentity is what every connection starts with.
func addrIdentity(addr netip.Addr) []tree.ID {
	if !addr.IsValid() {
		return nil
	}
	return []tree.ID{{Scheme: schemeIP, ID: addr.WithZone("").String()}}
}

// authenticate adds the identity that an auth request proves to the
// connection. It reports false when it proves none; the connection then ends.
func (c *conn) authenticate(body []byte) bool {
	var q wire.AuthRequest
	if wire.Decode(body, &q) != nil {
		return false
	}
	var id tree.ID
	switch q.Scheme {
	case schemeDigest:
		id = tree.ID{Scheme: schemeDigest, ID: digestID(string(q.Auth))}
	case schemeIP:
		return c.addr.IsValid() // known from the start
	default:
		c.log.Warn().Str("scheme", strconv.Quote(q.Scheme[:min(len(q.Scheme), 32)])).Msg("authentication refused")
		return false
	}

	return c.addIdentity(id)
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
