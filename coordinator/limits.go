package coordinator

// Limits checked before a call.
const (
	MaxDataBytes  = 512 << 10 // data of one znode
	MaxMultiBytes = 512 << 10 // the operations of one multi, as Op.Size counts
	MaxMultiOps   = 500       // operations of one multi; Term.Multi's own check comes on top
)
