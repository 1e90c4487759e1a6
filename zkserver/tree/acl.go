package tree

import "strings"

// The permissions an [ACL] grants, as bits. Creating and deleting are
// permissions on the parent.
const (
	PermRead   int32 = 1 << iota // read data, list children
	PermWrite                    // set data
	PermCreate                   // create children
	PermDelete                   // delete children
	PermAdmin                    // set the ACL
	PermAll    = PermRead | PermWrite | PermCreate | PermDelete | PermAdmin
)

// An ACL grants permissions to whoever has an identity. A znode has a list of
// them, which its children do not inherit.
type ACL struct {
	Perms  int32
	Scheme string // world, auth, digest, ip or x509
	ID     string
}

// An ID is something the server knows about who is at the other end of a
// connection: {"ip", "192.0.2.1"}, or {"digest", "user:hash"} for one who has
// shown the password, or {"x509", "CN=…"} for one with a certificate. A scheme of
// "super" may do everything.
type ID struct{ Scheme, ID string }

// maxACL is how many entries a znode's list may have. The reference knows no
// limit but the frame's, and spends time squared in it.
const maxACL = 1024

// maxACLBytes is how much memory and log a list may take when it is resolved:
// without a bound a few bytes, "auth" many times over, would become as many
// copies of all that the client has shown.
const maxACLBytes = 64 << 10

// resolveACL gives the list to store for one a client sent: "auth" becomes the
// client's own identities and duplicates go. It is ErrInvalidACL if nothing is
// left, something in it is not understood, or it is too long.
func resolveACL(acl []ACL, txn *Txn) ([]ACL, error) {
	if len(acl) == 0 || len(acl) > maxACL || aclBytes(acl) > maxACLBytes {
		return nil, ErrInvalidACL
	}
	if len(acl) == 1 && validID(txn.Rules, acl[0].Scheme, acl[0].ID) { // nearly always
		return acl, nil
	}
	size, done := 0, 0 // of resolved, as far as it is added up
	resolved := make([]ACL, 0, len(acl))
	for _, a := range withoutDuplicates(acl) {
		switch {
		case a.Scheme == "auth":
			for _, id := range txn.Auth {
				if id.Scheme == "digest" || id.Scheme == "x509" { // they prove who someone is
					resolved = append(resolved, ACL{Perms: a.Perms, Scheme: id.Scheme, ID: id.ID})
				}
			}
			if len(resolved) == done {
				return nil, ErrInvalidACL
			}
		case validID(txn.Rules, a.Scheme, a.ID):
			resolved = append(resolved, a)
		default:
			return nil, ErrInvalidACL
		}
		size += aclBytes(resolved[done:])
		if done = len(resolved); done > maxACL || size > maxACLBytes {
			return nil, ErrInvalidACL
		}
	}
	return resolved, nil
}

// aclBytes is about what a list takes in a snapshot.
func aclBytes(acl []ACL) int {
	size := 0
	for _, a := range acl {
		size += 4 + len(a.Scheme) + len(a.ID)
	}
	return size
}

func withoutDuplicates(acl []ACL) []ACL {
	seen := make(map[ACL]bool, len(acl))
	unique := make([]ACL, 0, len(acl))
	for _, a := range acl {
		if !seen[a] {
			seen[a] = true
			unique = append(unique, a)
		}
	}
	return unique
}

func validID(rules Rules, scheme, id string) bool {
	switch scheme {
	case "world":
		return id == "anyone"
	case "digest":
		return validDigest(id)
	case "ip":
		_, ok := parseNetwork(id)
		return ok
	case "x509":
		return rules&NoX509 == 0 && validName(id)
	}
	return false
}

// validName wants what could be a distinguished name: names and values, with
// commas between. That is less strict than RFC 2253, which the reference follows, and
// stays so, since logs have been decided by it: who makes a transaction may be stricter.
func validName(id string) bool {
	for part := range strings.SplitSeq(strings.ReplaceAll(id, `\,`, ""), ",") {
		name, _, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return id == ""
		}
	}
	return true
}

// validDigest wants "user:hash". The user may be empty and colons may follow,
// because the reference has them so.
func validDigest(id string) bool {
	_, hash, ok := strings.Cut(strings.TrimRight(id, ":"), ":")
	return ok && !strings.Contains(hash, ":")
}

// allows reports whether an ACL grants one of the permissions in perm to a
// connection with these identities.
func allows(acl []ACL, perm int32, auth []ID) bool {
	for _, id := range auth {
		if id.Scheme == "super" {
			return true
		}
	}
	for _, a := range acl {
		if a.Perms&perm != 0 && a.grantedTo(auth) {
			return true
		}
	}
	return false
}

func (a ACL) grantedTo(auth []ID) bool {
	switch a.Scheme {
	case "world":
		return a.ID == "anyone"
	case "digest", "x509":
		for _, id := range auth {
			if id.Scheme == a.Scheme && id.ID == a.ID {
				return true
			}
		}
	case "ip":
		network, ok := parseNetwork(a.ID)
		for _, id := range auth {
			if ok && id.Scheme == "ip" && network.has(id.ID) {
				return true
			}
		}
	}
	return false
}

// masked gives a copy in which the hash of a digest is "x", for those who may
// read a znode but not administer it (CVE-2019-0201).
func masked(acl []ACL) []ACL {
	shown := make([]ACL, len(acl))
	for i, a := range acl {
		if user, _, ok := strings.Cut(a.ID, ":"); ok && a.Scheme == "digest" {
			a.ID = user + ":x"
		}
		shown[i] = a
	}
	return shown
}
