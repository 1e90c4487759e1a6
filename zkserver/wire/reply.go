package wire

// A CreateResponse answers create.
type CreateResponse struct{ Path string } // with the suffix of a sequential one

func (r *CreateResponse) Decode(d *Decoder) { r.Path = d.String() }

func (r *CreateResponse) Append(b []byte) []byte { return AppendString(b, r.Path) }

// A Create2Response answers create2, createContainer and createTTL.
type Create2Response struct {
	Path string
	Stat Stat
}

func (r *Create2Response) Decode(d *Decoder) {
	r.Path = d.String()
	r.Stat.Decode(d)
}

func (r *Create2Response) Append(b []byte) []byte {
	b = AppendString(b, r.Path)
	return r.Stat.Append(b)
}

// A StatResponse answers exists, setData and setACL.
type StatResponse struct{ Stat Stat }

func (r *StatResponse) Decode(d *Decoder) { r.Stat.Decode(d) }

func (r *StatResponse) Append(b []byte) []byte { return r.Stat.Append(b) }

// A GetDataResponse answers getData, and reconfig with the new configuration.
type GetDataResponse struct {
	Data []byte // nil is null
	Stat Stat
}

func (r *GetDataResponse) Decode(d *Decoder) {
	r.Data = d.Bytes()
	r.Stat.Decode(d)
}

func (r *GetDataResponse) Append(b []byte) []byte {
	b = AppendBytes(b, r.Data)
	return r.Stat.Append(b)
}

// A ChildrenResponse answers getChildren, with names in no order, and
// getEphemerals, with paths.
type ChildrenResponse struct{ Children []string }

func (r *ChildrenResponse) Decode(d *Decoder) { r.Children = d.Strings() }

func (r *ChildrenResponse) Append(b []byte) []byte { return AppendStrings(b, r.Children) }

// A Children2Response answers getChildren2.
type Children2Response struct {
	Children []string
	Stat     Stat
}

func (r *Children2Response) Decode(d *Decoder) {
	r.Children = d.Strings()
	r.Stat.Decode(d)
}

func (r *Children2Response) Append(b []byte) []byte {
	b = AppendStrings(b, r.Children)
	return r.Stat.Append(b)
}

// A GetACLResponse answers getACL.
type GetACLResponse struct {
	ACL  []ACL
	Stat Stat
}

func (r *GetACLResponse) Decode(d *Decoder) {
	r.ACL = decodeACLs(d)
	r.Stat.Decode(d)
}

func (r *GetACLResponse) Append(b []byte) []byte {
	b = appendACLs(b, r.ACL)
	return r.Stat.Append(b)
}

// A PathResponse answers sync with the path of the request.
type PathResponse struct{ Path string }

func (r *PathResponse) Decode(d *Decoder) { r.Path = d.String() }

func (r *PathResponse) Append(b []byte) []byte { return AppendString(b, r.Path) }

// A CountResponse answers getAllChildrenNumber.
type CountResponse struct{ Count int32 } // of all below the path, not only its children

func (r *CountResponse) Decode(d *Decoder) { r.Count = d.Int32() }

func (r *CountResponse) Append(b []byte) []byte { return AppendInt32(b, r.Count) }

// An ErrorResponse answers addWatch, and is the body of an [OpError] entry of a
// multi.
type ErrorResponse struct{ Err Code }

func (r *ErrorResponse) Decode(d *Decoder) { r.Err = Code(d.Int32()) }

func (r *ErrorResponse) Append(b []byte) []byte { return AppendInt32(b, int32(r.Err)) }

// A SASLResponse answers sasl.
type SASLResponse struct{ Token []byte }

func (r *SASLResponse) Decode(d *Decoder) { r.Token = d.Bytes() }

func (r *SASLResponse) Append(b []byte) []byte { return AppendBytes(b, r.Token) }
