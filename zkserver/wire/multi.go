package wire

// A MultiHeader stands before each part of a multi and, with Done, at its end.
type MultiHeader struct {
	Op   Op   // -1 at the end, and before an error in a response
	Done bool // the end; nothing follows
	Err  Code // -1 in a request and at the end
}

func (r *MultiHeader) Decode(d *Decoder) {
	r.Op = Op(d.Int32())
	r.Done = d.Bool()
	r.Err = Code(d.Int32())
}

func (r *MultiHeader) Append(b []byte) []byte {
	b = AppendInt32(b, int32(r.Op))
	b = AppendBool(b, r.Done)
	return AppendInt32(b, int32(r.Err))
}

// multiEnd is the header after the last part.
var multiEnd = MultiHeader{Op: OpError, Done: true, Err: -1}

// A MultiRequest is the body of multi and multiRead. It may be empty. Decode
// refuses ops that may stand in neither; see [MultiRequest.Fits] for the rest.
type MultiRequest struct{ Ops []MultiOp }

// A MultiOp is one request of a multi.
type MultiOp struct {
	Op      Op
	Request Record // as [NewRequest] gives it for Op: *CreateRequest, *DeleteRequest, …
}

func (r *MultiRequest) Decode(d *Decoder) {
	r.Ops = nil
	for d.Err() == nil {
		var h MultiHeader
		h.Decode(d)
		if h.Done || d.Err() != nil {
			return
		}
		if multiOf(h.Op) == 0 {
			d.fail(ErrMultiOp)
			return
		}
		op := MultiOp{Op: h.Op, Request: NewRequest(h.Op)}
		op.Request.Decode(d)
		r.Ops = append(r.Ops, op)
	}
}

func (r *MultiRequest) Append(b []byte) []byte {
	for _, op := range r.Ops {
		h := MultiHeader{Op: op.Op, Err: -1}
		b = h.Append(b)
		b = op.Request.Append(b)
	}
	return multiEnd.Append(b)
}

// Fits reports whether each op of r may stand in a request of kind op: writes and
// checks in [OpMulti], reads in [OpMultiRead]. Apache ZooKeeper answers one that
// does not fit with [MarshallingError].
func (r *MultiRequest) Fits(op Op) bool {
	for _, o := range r.Ops {
		if multiOf(o.Op) != op {
			return false
		}
	}
	return true
}

// multiOf returns the kind of multi that op may be part of, or 0.
func multiOf(op Op) Op {
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck:
		return OpMulti
	case OpGetData, OpGetChildren:
		return OpMultiRead
	}
	return 0
}

// A MultiResponse answers multi and multiRead, with one result for each op.
// When one op of a multi fails the code in the reply's header is still OK, and
// every result is an error: [OK] for the ops before the one that failed, its
// code, and [RuntimeInconsistency] for those after it. A multiRead goes on after
// an error.
type MultiResponse struct{ Results []MultiResult }

// A MultiResult is the outcome of one op of a multi.
type MultiResult struct {
	// Op says what Reply is: OpCreate (also for create2), OpCreate2 (for
	// container and TTL), OpDelete, OpSetData, OpCheck, OpGetData,
	// OpGetChildren, or OpError.
	Op Op

	// Reply is as [NewReply] gives it for Op; for OpError an *ErrorResponse.
	// Nil is the same as *Empty.
	Reply Record
}

// Failed returns the result of an op that a failing multi answers with code.
func Failed(code Code) MultiResult {
	return MultiResult{Op: OpError, Reply: &ErrorResponse{Err: code}}
}

// Err returns the code of an [OpError] result, and OK for any other.
func (r MultiResult) Err() Code {
	if e, ok := r.Reply.(*ErrorResponse); ok {
		return e.Err
	}
	return OK
}

func (r *MultiResponse) Decode(d *Decoder) {
	r.Results = nil
	for d.Err() == nil {
		var h MultiHeader
		h.Decode(d)
		if h.Done || d.Err() != nil {
			return
		}
		if h.Op != OpError && multiOf(h.Op) == 0 {
			d.fail(ErrMultiOp)
			return
		}
		res := MultiResult{Op: h.Op, Reply: NewReply(h.Op)}
		res.Reply.Decode(d)
		r.Results = append(r.Results, res)
	}
}

func (r *MultiResponse) Append(b []byte) []byte {
	for _, res := range r.Results {
		b = res.Append(b)
	}
	return AppendMultiEnd(b)
}

// Append writes one result of a response, which [AppendMultiEnd] completes: for
// who does not want to keep all of them.
func (r MultiResult) Append(b []byte) []byte {
	h := MultiHeader{Op: r.Op, Err: r.Err()}
	b = h.Append(b)
	if r.Reply != nil {
		b = r.Reply.Append(b)
	}
	return b
}

// AppendMultiEnd writes what stands after the last result.
func AppendMultiEnd(b []byte) []byte { return multiEnd.Append(b) }
