package wire

// A PathRequest is the body of getACL, sync, getAllChildrenNumber and
// deleteContainer.
type PathRequest struct{ Path string }

func (r *PathRequest) Decode(d *Decoder) { r.Path = d.Path() }

func (r *PathRequest) Append(b []byte) []byte { return AppendString(b, r.Path) }

// A PrefixRequest is the body of getEphemerals. A null prefix reads as an empty
// one.
type PrefixRequest struct{ Prefix string }

func (r *PrefixRequest) Decode(d *Decoder) { r.Prefix = d.String() }

func (r *PrefixRequest) Append(b []byte) []byte { return AppendString(b, r.Prefix) }

// A PathWatchRequest is the body of exists, getData, getChildren and
// getChildren2.
type PathWatchRequest struct {
	Path  string
	Watch bool // tell this connection of the next change, once
}

func (r *PathWatchRequest) Decode(d *Decoder) {
	r.Path = d.Path()
	r.Watch = d.Bool()
}

func (r *PathWatchRequest) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	return AppendBool(b, r.Watch)
}

// An AuthRequest is the body of auth. Its header has [XidAuth].
type AuthRequest struct {
	Type   int32 // 0; not used
	Scheme string
	Auth   []byte // what the scheme wants: for digest "user:password"
}

func (r *AuthRequest) Decode(d *Decoder) {
	r.Type = d.Int32()
	r.Scheme = d.String()
	r.Auth = d.Bytes()
}

func (r *AuthRequest) Append(b []byte) []byte {
	b = AppendInt32(b, r.Type)
	b = AppendString(b, r.Scheme)
	return AppendBytes(b, r.Auth)
}

// A SASLRequest is the body of sasl: one message of a SASL exchange.
type SASLRequest struct{ Token []byte }

func (r *SASLRequest) Decode(d *Decoder) { r.Token = d.Bytes() }

func (r *SASLRequest) Append(b []byte) []byte { return AppendBytes(b, r.Token) }
