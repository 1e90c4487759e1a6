package wire

// The modes of an [AddWatchRequest].
const (
	AddPersistent          int32 = 0
	AddPersistentRecursive int32 = 1
)

// The kinds of watch a [RemoveWatchesRequest] names.
const (
	WatchChildren int32 = 1
	WatchData     int32 = 2
	WatchAny      int32 = 3
)

// A SetWatchesRequest is the body of setWatches: a client that connects anew
// asks for its watches again. Those whose change came after RelativeZxid fire at
// once. Its header has [XidSetWatches], or from Java clients an xid of their own
// count.
type SetWatchesRequest struct {
	RelativeZxid int64
	Data         []string // set by getData, or by exists on a znode that was there
	Exist        []string // set by exists on a znode that was not there
	Child        []string
}

func (r *SetWatchesRequest) Decode(d *Decoder) {
	r.RelativeZxid = d.Int64()
	r.Data = d.Strings()
	r.Exist = d.Strings()
	r.Child = d.Strings()
}

func (r *SetWatchesRequest) Append(b []byte) []byte {
	b = AppendInt64(b, r.RelativeZxid)
	b = AppendStrings(b, r.Data)
	b = AppendStrings(b, r.Exist)
	return AppendStrings(b, r.Child)
}

// A SetWatches2Request is the body of setWatches2: setWatches with the watches
// that addWatch made.
type SetWatches2Request struct {
	SetWatchesRequest
	Persistent          []string
	PersistentRecursive []string
}

func (r *SetWatches2Request) Decode(d *Decoder) {
	r.SetWatchesRequest.Decode(d)
	r.Persistent = d.Strings()
	r.PersistentRecursive = d.Strings()
}

func (r *SetWatches2Request) Append(b []byte) []byte {
	b = r.SetWatchesRequest.Append(b)
	b = AppendStrings(b, r.Persistent)
	return AppendStrings(b, r.PersistentRecursive)
}

// An AddWatchRequest is the body of addWatch: a watch that stays after it fired.
type AddWatchRequest struct {
	Path string
	Mode int32 // AddPersistent or AddPersistentRecursive
}

func (r *AddWatchRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Mode = d.Int32()
}

func (r *AddWatchRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	return AppendInt32(b, r.Mode)
}

// A RemoveWatchesRequest is the body of removeWatches, and of checkWatches,
// which only asks whether there is such a watch.
type RemoveWatchesRequest struct {
	Path string
	Type int32 // WatchChildren, WatchData or WatchAny
}

func (r *RemoveWatchesRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Type = d.Int32()
}

func (r *RemoveWatchesRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	return AppendInt32(b, r.Type)
}
