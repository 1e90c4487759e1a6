package tree

// A node is one version of a znode. It never changes once it is in the tree:
// a write puts another in its place. So a snapshot needs to copy only
// pointers, and undoing a multi is putting the old ones back. (The names in
// children do change; neither of those two looks at them.)
//
// The fields are sized to fill a 128-byte class of the allocator: a million
// znodes are a common load.
type node struct {
	// path is also the key of the node's shard, and children's names are
	// parts of their paths: a znode's path is in memory once.
	path string

	data     []byte
	acl      *aclEntry
	children *nameSet // nil if there are none

	czxid, mzxid, pzxid int64
	ctime, mtime        int64 // milliseconds since 1970

	// owner is the session of an ephemeral znode, the milliseconds to live
	// of a TTL znode, and 0 otherwise.
	owner int64

	version     int32 // writes of data
	aversion    int32 // writes of the ACL
	creates     int32 // children ever created: the next sequential suffix
	numChildren int32

	kind kind
}

// A kind says what may end a znode besides a delete.
type kind uint8

const (
	persistent kind = iota
	ephemeral       // the end of its session
	container       // its last child going
	ttl             // its time passing without children and writes
	kindEnd
)

// Stat is what the protocol tells about a znode. It has the fields of the
// wire's record, in its order. Times are in milliseconds since 1970.
type Stat struct {
	Czxid          int64 // zxid of the create
	Mzxid          int64 // zxid of the last write of data
	Ctime          int64
	Mtime          int64
	Version        int32 // writes of data
	Cversion       int32 // creates and deletes of children
	Aversion       int32 // writes of the ACL
	EphemeralOwner int64 // session of an ephemeral znode, else 0
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last create or delete of a child
}

func (n *node) stat() Stat {
	s := Stat{
		Czxid:       n.czxid,
		Mzxid:       n.mzxid,
		Ctime:       n.ctime,
		Mtime:       n.mtime,
		Version:     n.version,
		Cversion:    2*n.creates - n.numChildren, // creates + deletes
		Aversion:    n.aversion,
		DataLength:  int32(len(n.data)),
		NumChildren: n.numChildren,
		Pzxid:       n.pzxid,
	}
	if n.kind == ephemeral {
		s.EphemeralOwner = n.owner
	}
	return s
}
