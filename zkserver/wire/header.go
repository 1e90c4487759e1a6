package wire

// A RequestHeader starts every frame a client sends after the handshake.
type RequestHeader struct {
	Xid int32 // chosen by the client, repeated in the reply
	Op  Op
}

func (r *RequestHeader) Decode(d *Decoder) {
	r.Xid = d.Int32()
	r.Op = Op(d.Int32())
}

func (r *RequestHeader) Append(b []byte) []byte {
	b = AppendInt32(b, r.Xid)
	return AppendInt32(b, int32(r.Op))
}

// A ReplyHeader starts every frame a server sends after the handshake.
type ReplyHeader struct {
	Xid  int32
	Zxid int64 // of the write, also of a failed one; for a read the last one applied
	Err  Code  // not OK: no body follows
}

func (r *ReplyHeader) Decode(d *Decoder) {
	r.Xid = d.Int32()
	r.Zxid = d.Int64()
	r.Err = Code(d.Int32())
}

func (r *ReplyHeader) Append(b []byte) []byte {
	b = AppendInt32(b, r.Xid)
	b = AppendInt64(b, r.Zxid)
	return AppendInt32(b, int32(r.Err))
}
