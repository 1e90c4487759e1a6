package tree

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// An aclTable keeps each distinct ACL list once, for as long as a znode has
// it. Most trees have a handful.
type aclTable struct {
	byKey map[string]*aclEntry
	key   []byte // for lookups without allocating
}

// An aclEntry is one list. All but refs is fixed from the start, so that a
// snapshot may read it while the tree moves on.
type aclEntry struct {
	acl   []ACL
	key   string // the list as the snapshot has it
	hash  uint64 // of key
	world int32  // what everyone may do

	// refs counts the znodes with this list. Owned by the tree.
	refs int
}

func newACLTable() aclTable { return aclTable{byKey: make(map[string]*aclEntry)} }

// intern gives the entry for a list, which it keeps.
func (t *aclTable) intern(acl []ACL) *aclEntry {
	t.key = appendACL(t.key[:0], acl)
	if e, ok := t.byKey[string(t.key)]; ok {
		return e
	}
	e := &aclEntry{acl: acl, key: string(t.key), hash: xxhash.Sum64(t.key)}
	for _, a := range acl {
		if a.Scheme == "world" {
			e.world |= a.Perms
		}
	}
	return e
}

// retain and release count a znode more or less with the list. An entry is in
// the table while it is counted.
func (t *aclTable) retain(e *aclEntry) {
	if e.refs++; e.refs == 1 {
		t.byKey[e.key] = e
	}
}

func (t *aclTable) release(e *aclEntry) {
	if e.refs--; e.refs == 0 && t.byKey[e.key] == e {
		delete(t.byKey, e.key)
	}
}

func (e *aclEntry) allows(perm int32, auth []ID) bool {
	return e.world&perm != 0 || allows(e.acl, perm, auth)
}

func appendACL(b []byte, acl []ACL) []byte {
	b = binary.AppendUvarint(b, uint64(len(acl)))
	for _, a := range acl {
		b = binary.BigEndian.AppendUint32(b, uint32(a.Perms))
		b = appendString(b, a.Scheme)
		b = appendString(b, a.ID)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
