package wire

// A ConnectRequest is the first frame a client sends. It has no header.
type ConnectRequest struct {
	ProtocolVersion int32 // 0
	LastZxidSeen    int64 // newest zxid the client was ever shown
	TimeoutMillis   int32 // wanted session timeout
	SessionID       int64 // 0 asks for a new session
	Password        []byte

	// HasReadOnly says that the request ends in the read-only byte. Clients
	// older than 3.4, and some newer ones, leave it out.
	HasReadOnly bool
	ReadOnly    bool // the client is content with a server cut off from the others
}

func (r *ConnectRequest) Decode(d *Decoder) {
	r.ProtocolVersion = d.Int32()
	r.LastZxidSeen = d.Int64()
	r.TimeoutMillis = d.Int32()
	r.SessionID = d.Int64()
	r.Password = d.Bytes()
	r.HasReadOnly, r.ReadOnly = decodeReadOnly(d)
}

func (r *ConnectRequest) Append(b []byte) []byte {
	b = AppendInt32(b, r.ProtocolVersion)
	b = AppendInt64(b, r.LastZxidSeen)
	b = AppendInt32(b, r.TimeoutMillis)
	b = AppendInt64(b, r.SessionID)
	b = AppendBytes(b, r.Password)
	return appendReadOnly(b, r.HasReadOnly, r.ReadOnly)
}

// A ConnectResponse answers a [ConnectRequest]. It has no header. A refusal
// has all fields 0 and a password of 16 zero bytes; the connection ends after
// it.
type ConnectResponse struct {
	ProtocolVersion int32 // 0
	TimeoutMillis   int32 // the session timeout that holds
	SessionID       int64
	Password        []byte // 16 bytes; needed to attach to the session again

	// HasReadOnly says that the response ends in the read-only byte. It must
	// be as in the request: an older client takes the byte for a fault.
	HasReadOnly bool
	ReadOnly    bool // this server is cut off from the others
}

func (r *ConnectResponse) Decode(d *Decoder) {
	r.ProtocolVersion = d.Int32()
	r.TimeoutMillis = d.Int32()
	r.SessionID = d.Int64()
	r.Password = d.Bytes()
	r.HasReadOnly, r.ReadOnly = decodeReadOnly(d)
}

func (r *ConnectResponse) Append(b []byte) []byte {
	b = AppendInt32(b, r.ProtocolVersion)
	b = AppendInt32(b, r.TimeoutMillis)
	b = AppendInt64(b, r.SessionID)
	b = AppendBytes(b, r.Password)
	return appendReadOnly(b, r.HasReadOnly, r.ReadOnly)
}

// decodeReadOnly reads the read-only byte if there is one.
func decodeReadOnly(d *Decoder) (has, readOnly bool) {
	if d.Len() == 0 {
		return false, false
	}
	return true, d.Bool()
}

func appendReadOnly(b []byte, has, readOnly bool) []byte {
	if !has {
		return b
	}
	return AppendBool(b, readOnly)
}
