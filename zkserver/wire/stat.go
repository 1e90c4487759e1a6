package wire

// A Stat is what is known about a znode beside its data.
type Stat struct {
	Czxid          int64 // the write that created it
	Mzxid          int64 // the last write of its data
	Ctime          int64 // when Czxid was, in milliseconds since 1970
	Mtime          int64 // when Mzxid was, in milliseconds since 1970
	Version        int32 // writes of its data
	Cversion       int32 // creates and deletes of children
	Aversion       int32 // writes of its ACL
	EphemeralOwner int64 // the session it ends with, or 0
	DataLength     int32 // in bytes
	NumChildren    int32
	Pzxid          int64 // the last create or delete of a child
}

func (r *Stat) Decode(d *Decoder) {
	r.Czxid = d.Int64()
	r.Mzxid = d.Int64()
	r.Ctime = d.Int64()
	r.Mtime = d.Int64()
	r.Version = d.Int32()
	r.Cversion = d.Int32()
	r.Aversion = d.Int32()
	r.EphemeralOwner = d.Int64()
	r.DataLength = d.Int32()
	r.NumChildren = d.Int32()
	r.Pzxid = d.Int64()
}

func (r *Stat) Append(b []byte) []byte {
	b = AppendInt64(b, r.Czxid)
	b = AppendInt64(b, r.Mzxid)
	b = AppendInt64(b, r.Ctime)
	b = AppendInt64(b, r.Mtime)
	b = AppendInt32(b, r.Version)
	b = AppendInt32(b, r.Cversion)
	b = AppendInt32(b, r.Aversion)
	b = AppendInt64(b, r.EphemeralOwner)
	b = AppendInt32(b, r.DataLength)
	b = AppendInt32(b, r.NumChildren)
	return AppendInt64(b, r.Pzxid)
}
