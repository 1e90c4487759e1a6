package wire_test

import (
	"bytes"
	"fmt"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A request as a client writes it and a server reads it.
func Example() {
	b, start := wire.BeginFrame(nil)
	b = (&wire.RequestHeader{Xid: 1, Op: wire.OpSetData}).Append(b)
	b = (&wire.SetDataRequest{Path: "/app", Data: []byte("two"), Version: -1}).Append(b)
	b = wire.EndFrame(b, start)

	frame, err := wire.ReadFrame(bytes.NewReader(b), nil, wire.MaxFrame)
	if err != nil {
		fmt.Println(err)
		return
	}
	d := wire.NewDecoder(frame)
	var h wire.RequestHeader
	var r wire.SetDataRequest
	h.Decode(&d)
	r.Decode(&d)
	fmt.Println(h.Op, r.Path, string(r.Data), d.Err())

	// A server answers a body that does not decode with a code.
	var short wire.SetDataRequest
	fmt.Println(wire.Decode(frame[8:20], &short), "is a", wire.MarshallingError)

	// Output:
	// setData /app two <nil>
	// wire: record is cut short is a marshalling error
}
