package wire

// The flags of a create. OpCreate and OpCreate2 take those below FlagTTL,
// OpCreateTTL takes the last two, OpCreateContainer looks at none.
const (
	FlagPersistent              int32 = 0
	FlagEphemeral               int32 = 1
	FlagSequential              int32 = 2
	FlagEphemeralSequential     int32 = 3
	FlagContainer               int32 = 4
	FlagPersistentTTL           int32 = 5
	FlagPersistentSequentialTTL int32 = 6
)

// A CreateRequest is the body of create, create2 and createContainer.
type CreateRequest struct {
	Path  string
	Data  []byte // nil is null, which is not the same as empty
	ACL   []ACL
	Flags int32
}

func (r *CreateRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Data = d.Bytes()
	r.ACL = decodeACLs(d)
	r.Flags = d.Int32()
}

func (r *CreateRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	b = AppendBytes(b, r.Data)
	b = appendACLs(b, r.ACL)
	return AppendInt32(b, r.Flags)
}

// A CreateTTLRequest is the body of createTTL.
type CreateTTLRequest struct {
	Path  string
	Data  []byte
	ACL   []ACL
	Flags int32
	TTL   int64 // milliseconds without a write or a child after which the znode goes
}

func (r *CreateTTLRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Data = d.Bytes()
	r.ACL = decodeACLs(d)
	r.Flags = d.Int32()
	r.TTL = d.Int64()
}

func (r *CreateTTLRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	b = AppendBytes(b, r.Data)
	b = appendACLs(b, r.ACL)
	b = AppendInt32(b, r.Flags)
	return AppendInt64(b, r.TTL)
}

// A DeleteRequest is the body of delete.
type DeleteRequest struct {
	Path    string
	Version int32 // -1 for any
}

func (r *DeleteRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Version = d.Int32()
}

func (r *DeleteRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	return AppendInt32(b, r.Version)
}

// A SetDataRequest is the body of setData.
type SetDataRequest struct {
	Path    string
	Data    []byte
	Version int32 // -1 for any
}

func (r *SetDataRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Data = d.Bytes()
	r.Version = d.Int32()
}

func (r *SetDataRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	b = AppendBytes(b, r.Data)
	return AppendInt32(b, r.Version)
}

// A SetACLRequest is the body of setACL.
type SetACLRequest struct {
	Path    string
	ACL     []ACL
	Version int32 // of the ACL; -1 for any
}

func (r *SetACLRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.ACL = decodeACLs(d)
	r.Version = d.Int32()
}

func (r *SetACLRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	b = appendACLs(b, r.ACL)
	return AppendInt32(b, r.Version)
}

// A CheckRequest is the body of check: a multi holding it fails unless the
// znode exists at this version.
type CheckRequest struct {
	Path    string
	Version int32 // -1 for any
}

func (r *CheckRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Version = d.Int32()
}

func (r *CheckRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	return AppendInt32(b, r.Version)
}

// A ReconfigRequest is the body of reconfig. The texts are lines as in the
// dynamic configuration file; nil is null: not given.
type ReconfigRequest struct {
	JoiningServers []byte
	LeavingServers []byte
	NewMembers     []byte // not nil: the whole new membership
	CurConfigID    int64  // version of /zookeeper/config that must still hold; -1 for any
}

func (r *ReconfigRequest) Decode(d *Decoder) {
	r.JoiningServers = d.Bytes()
	r.LeavingServers = d.Bytes()
	r.NewMembers = d.Bytes()
	r.CurConfigID = d.Int64()
}

func (r *ReconfigRequest) Append(b []byte) []byte {
	b = AppendBytes(b, r.JoiningServers)
	b = AppendBytes(b, r.LeavingServers)
	b = AppendBytes(b, r.NewMembers)
	return AppendInt64(b, r.CurConfigID)
}
