package wire

// NewRequest returns an empty record for the body of a request of kind op, or
// nil when a client cannot send op. Ops without a body have [Empty].
func NewRequest(op Op) Record {
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer:
		return new(CreateRequest)
	case OpCreateTTL:
		return new(CreateTTLRequest)
	case OpDelete:
		return new(DeleteRequest)
	case OpSetData:
		return new(SetDataRequest)
	case OpSetACL:
		return new(SetACLRequest)
	case OpCheck:
		return new(CheckRequest)
	case OpMulti, OpMultiRead:
		return new(MultiRequest)
	case OpExists, OpGetData, OpGetChildren, OpGetChildren2:
		return new(PathWatchRequest)
	case OpGetACL, OpSync, OpGetAllChildrenNumber, OpDeleteContainer:
		return new(PathRequest)
	case OpGetEphemerals:
		return new(PrefixRequest)
	case OpSetWatches:
		return new(SetWatchesRequest)
	case OpSetWatches2:
		return new(SetWatches2Request)
	case OpAddWatch:
		return new(AddWatchRequest)
	case OpCheckWatches, OpRemoveWatches:
		return new(RemoveWatchesRequest)
	case OpReconfig:
		return new(ReconfigRequest)
	case OpAuth:
		return new(AuthRequest)
	case OpSASL:
		return new(SASLRequest)
	case OpPing, OpCloseSession, OpWhoAmI:
		return new(Empty)
	}
	return nil
}

// NewReply returns an empty record for the body of the reply to op, when its
// code is OK, or nil when a client cannot send op. Replies without a body have
// [Empty].
func NewReply(op Op) Record {
	switch op {
	case OpCreate:
		return new(CreateResponse)
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		return new(Create2Response)
	case OpExists, OpSetData, OpSetACL:
		return new(StatResponse)
	case OpGetData, OpReconfig:
		return new(GetDataResponse)
	case OpGetChildren, OpGetEphemerals:
		return new(ChildrenResponse)
	case OpGetChildren2:
		return new(Children2Response)
	case OpGetACL:
		return new(GetACLResponse)
	case OpSync:
		return new(PathResponse)
	case OpMulti, OpMultiRead:
		return new(MultiResponse)
	case OpGetAllChildrenNumber:
		return new(CountResponse)
	case OpWhoAmI:
		return new(WhoAmIResponse)
	case OpSASL:
		return new(SASLResponse)
	case OpAddWatch, OpError:
		return new(ErrorResponse)
	case OpDelete, OpCheck, OpPing, OpCloseSession, OpAuth, OpDeleteContainer,
		OpSetWatches, OpSetWatches2, OpCheckWatches, OpRemoveWatches:
		return new(Empty)
	}
	return nil
}
