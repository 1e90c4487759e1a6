package tree

// A Txn is one write request at its place in the total order. Everything that
// decides its outcome is in it or in the tree: applied to equal trees it gives
// equal results and leaves equal trees.
type Txn struct {
	// Zxid is the position in the total order. The caller gives each Txn a
	// higher one than the Txn before it.
	Zxid int64

	// Time is the leader's clock, in milliseconds since 1970.
	Time int64

	// Session is the one that asked: the owner of what it creates as
	// ephemeral, and what CloseSession closes.
	Session int64

	// Auth lists the identities of the connection the request came by.
	Auth []ID

	// Rules are those of the server that took the request in.
	Rules Rules

	Op Op
}

// Rules are what a server may be configured to do otherwise, and what earlier
// versions of this program did not know. They are of the Txn because they decide
// its outcome: a log must come out the same when it is read with another
// configuration.
type Rules uint8

const (
	NoContainers Rules = 1 << iota // containers cannot be created
	NoTTL                          // znodes with a time to live cannot be created
	NoX509                         // ACLs cannot name x509 identities
	AnyQuotaData                   // quota znodes may hold anything
	EnforceQuota                   // nothing is written above a hard quota

	AllRules = NoContainers | NoTTL | NoX509 | AnyQuotaData | EnforceQuota
)

// An Op is what a [Txn] asks for: one of [Create], [Delete], [SetData],
// [SetACL], [Check], [Multi], [CloseSession], [Expire] and [Refused], by value.
type Op interface{ op() }

// Create makes a znode. A sequential mode appends the parent's count of
// creates, as ten digits, to Path.
type Create struct {
	Path string
	Data []byte // nil is kept apart from empty
	ACL  []ACL
	Mode Mode
	TTL  int64 // milliseconds, 1 to 2^40-1; only for the TTL modes
}

// Delete removes a znode without children.
type Delete struct {
	Path    string
	Version int32 // the data version expected; -1 is any
}

// SetData replaces a znode's data.
type SetData struct {
	Path    string
	Data    []byte
	Version int32 // the data version expected; -1 is any
}

// SetConfig replaces the data of /zookeeper/config. Who may ask for that the
// caller has made sure of.
type SetConfig struct {
	Data []byte
}

// SetACL replaces a znode's ACL.
type SetACL struct {
	Path    string
	ACL     []ACL
	Version int32 // the ACL version expected; -1 is any
}

// Check changes nothing. It fails as a SetData of the same version would, but
// asks for the permission to read.
type Check struct {
	Path    string
	Version int32
}

// Multi does all of Ops or nothing. Of the ops, Multi, CloseSession and Expire
// cannot be among them.
type Multi struct{ Ops []Op }

// CloseSession deletes the ephemeral znodes of the Txn's session, in the order
// of their paths.
type CloseSession struct{}

// Expire removes a container that had children and has none, or a TTL znode
// without children that nobody has written to for its time. It fails when that
// is not so, or not any more.
type Expire struct {
	Path string

	// Unused is how long a container may wait for its first child, in
	// milliseconds; 0 is for ever.
	Unused int64
}

// Refused is what cannot be decoded to one of the others: it fails with Err,
// which is one of this package's sentinels, in its turn.
type Refused struct{ Err error }

func (Create) op()       {}
func (Delete) op()       {}
func (SetData) op()      {}
func (SetConfig) op()    {}
func (SetACL) op()       {}
func (Check) op()        {}
func (Multi) op()        {}
func (CloseSession) op() {}
func (Expire) op()       {}
func (Refused) op()      {}

// A Mode says how long a znode lives and how its name is made.
type Mode uint8

const (
	Persistent Mode = iota
	PersistentSequential
	Ephemeral
	EphemeralSequential
	Container
	PersistentTTL
	PersistentSequentialTTL
	ContainerSequential // has no name in the reference's clients, whose servers make it all the same
	modeEnd
)

func (m Mode) sequential() bool {
	return m == PersistentSequential || m == EphemeralSequential || m == PersistentSequentialTTL || m == ContainerSequential
}

func (m Mode) container() bool { return m == Container || m == ContainerSequential }

func (m Mode) ephemeral() bool { return m == Ephemeral || m == EphemeralSequential }

func (m Mode) ttl() bool { return m == PersistentTTL || m == PersistentSequentialTTL }

// A Result is the answer to a [Txn].
type Result struct {
	// Err is nil or one of this package's sentinels. A multi has the error
	// of its first failing operation.
	Err error

	// Path is the name of the znode a Create made.
	Path string

	// Stat is that of the znode after a Create, SetData or SetACL.
	Stat Stat

	// Ops has one Result per operation of a Multi, without Changes.
	Ops []Result

	// Changes is what was done, in the order watches must fire.
	Changes []Change

	// OverQuota is the path whose soft quota the write went above, or "".
	OverQuota string
}

// A Change is something done to a znode that a watch may be waiting for.
type Change struct {
	Kind ChangeKind
	Path string

	acl *aclEntry // of the znode when it changed
}

// Readable reports whether a connection with these identities may read the
// znode, by the ACL it had at the change. Who may not must not be told of the
// change (CVE-2024-23944).
func (c Change) Readable(auth []ID) bool { return c.acl == nil || c.acl.allows(PermRead, auth) }

// A ChangeKind has the numbers of the protocol's event types.
type ChangeKind int32

const (
	Created         ChangeKind = 1
	Deleted         ChangeKind = 2
	DataChanged     ChangeKind = 3
	ChildrenChanged ChangeKind = 4 // a child was created or deleted under Path
)

func (k ChangeKind) String() string {
	switch k {
	case Created:
		return "created"
	case Deleted:
		return "deleted"
	case DataChanged:
		return "data changed"
	case ChildrenChanged:
		return "children changed"
	}
	return "unknown change"
}
