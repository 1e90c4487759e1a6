// Package wire turns the bytes of ZooKeeper's client protocol into records and
// back. It knows the whole protocol of ZooKeeper 3.8, in both directions: a
// server decodes requests and encodes replies, a client or a test does the
// reverse. It does no I/O but [ReadFrame].
//
//	frame, err := wire.ReadFrame(conn, buf, wire.MaxFrame)
//	d := wire.NewDecoder(frame)
//	var h wire.RequestHeader
//	var r wire.CreateRequest
//	h.Decode(&d)
//	r.Decode(&d) // for h.Op; see NewRequest
//	if d.Err() != nil { … }
//
//	out, start := wire.BeginFrame(out)
//	out = (&wire.ReplyHeader{Xid: h.Xid, Zxid: zxid}).Append(out)
//	out = (&wire.CreateResponse{Path: path}).Append(out)
//	out = wire.EndFrame(out, start)
//
// # Primitives
//
// All integers are big-endian and signed (Apache's name for the encoding is jute).
//
//	bool     1 byte: 0 or 1
//	int32    4 bytes
//	int64    8 bytes
//	buffer   int32 length, bytes; length -1 is null
//	string   as a buffer, of UTF-8
//	vector   int32 count, elements; count -1 is null
//	record   its fields one after the other, with nothing between
//
// Null and empty data of a znode are not the same, and stay so: nil is null. A
// null string or vector reads as an empty one and is never written, because
// go-zookeeper cannot read it; a null path is a fault ([ErrNull]).
//
// # Frames and the handshake
//
// Each message is a frame: its length as an int32, which does not count itself,
// and its content. The first frame each way is the handshake:
//
//	client                                     server
//	00 00 00 2d              length 45         00 00 00 25              length 37
//	00 00 00 00              protocol 0        00 00 00 00              protocol 0
//	00 00 00 00 00 00 00 00  last zxid seen    00 00 17 70              timeout that holds
//	00 00 17 70              timeout 6000 ms   01 00 00 15 1c 05 00 00  session id
//	00 00 00 00 00 00 00 00  session id, or 0  00 00 00 10              password, 16 bytes
//	00 00 00 10              password, 16 bytes   d1 5e 75 8a … 35 ac
//	   00 00 00 00 … 00 00                     00                       not read-only
//	00                       read-only is no
//
// The last byte of both is left out by old clients, and by the server to them.
//
// # Requests and replies
//
// Every later frame from the client is a [RequestHeader] and the body of its op,
// every later one from the server a [ReplyHeader] and, if its code is [OK], the
// body of the reply. create "/app" with data "one" for all, and its reply:
//
//	00 00 00 36              length 54         00 00 00 18              length 24
//	00 00 00 01              xid 1             00 00 00 01              xid 1
//	00 00 00 01              op create         00 00 00 00 00 00 00 02  zxid 2
//	00 00 00 04 /app         path              00 00 00 00              code OK
//	00 00 00 03 one          data              00 00 00 04 /app         path
//	00 00 00 01              1 ACL
//	   00 00 00 1f           all permissions
//	   00 00 00 05 world     scheme
//	   00 00 00 06 anyone    id
//	00 00 00 00              flags: persistent
//
// Replies come in the order of the requests. Between them come events: frames
// with xid -1 ([XidWatch]), zxid -1 and a [WatcherEvent]. Which record belongs to
// which op is in [NewRequest] and [NewReply].
//
// A multi is a list of (header, body) with a header at the end that says done; see
// [MultiHeader] and [MultiResponse].
//
// # Guarantees
//
// Decoding does not panic and allocates only in proportion to the bytes that are
// there, whatever lengths they claim. What decodes encodes to the same number
// of bytes, and to the same bytes if there was no null string or vector and every
// bool was 0 or 1. Bytes behind the end of a record are ignored, as ZooKeeper
// does. The tests hold all of this against recordings of Apache ZooKeeper 3.8.0.
//
// Source: zookeeper.jute of ZooKeeper 3.8 and its Java client's bytes.
package wire
