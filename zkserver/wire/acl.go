package wire

// The permission bits of an [ACL].
const (
	PermRead   int32 = 1 << iota // data and children
	PermWrite                    // data
	PermCreate                   // children
	PermDelete                   // children
	PermAdmin                    // the ACL

	PermAll = PermRead | PermWrite | PermCreate | PermDelete | PermAdmin
)

// An ACL grants permissions on one znode to one identity.
type ACL struct {
	Perms  int32 // sum of Perm bits
	Scheme string
	ID     string
}

func (r *ACL) Decode(d *Decoder) {
	r.Perms = d.Int32()
	r.Scheme = d.String()
	r.ID = d.String()
}

func (r *ACL) Append(b []byte) []byte {
	b = AppendInt32(b, r.Perms)
	b = AppendString(b, r.Scheme)
	return AppendString(b, r.ID)
}

// minACL is the size of the shortest ACL on the wire.
const minACL = 4 + 4 + 4

// decodeACLs reads a vector of ACLs: nil for a null one, else not nil.
func decodeACLs(d *Decoder) []ACL {
	n := d.count(minACL)
	if n < 0 {
		return nil
	}
	acl := make([]ACL, n)
	for i := range acl {
		acl[i].Decode(d)
	}
	if d.err != nil {
		return nil
	}
	return acl
}

func appendACLs(b []byte, acl []ACL) []byte {
	b = AppendInt32(b, int32(len(acl)))
	for i := range acl {
		b = acl[i].Append(b)
	}
	return b
}

// An ID is one identity of a connection.
type ID struct{ Scheme, ID string }

func (r *ID) Decode(d *Decoder) {
	r.Scheme = d.String()
	r.ID = d.String()
}

func (r *ID) Append(b []byte) []byte {
	b = AppendString(b, r.Scheme)
	return AppendString(b, r.ID)
}

// minID is the size of the shortest ID on the wire.
const minID = 4 + 4

// A WhoAmIResponse lists the identities of the connection that asked.
type WhoAmIResponse struct{ IDs []ID }

func (r *WhoAmIResponse) Decode(d *Decoder) {
	r.IDs = nil
	n := d.count(minID)
	if n < 0 {
		return
	}
	r.IDs = make([]ID, n)
	for i := range r.IDs {
		r.IDs[i].Decode(d)
	}
}

func (r *WhoAmIResponse) Append(b []byte) []byte {
	b = AppendInt32(b, int32(len(r.IDs)))
	for i := range r.IDs {
		b = r.IDs[i].Append(b)
	}
	return b
}
