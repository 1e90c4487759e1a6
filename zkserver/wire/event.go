package wire

// An EventType says what a watch saw.
type EventType int32

const (
	EventNone                   EventType = -1 // only the connection's state changed
	EventCreated                EventType = 1
	EventDeleted                EventType = 2
	EventDataChanged            EventType = 3
	EventChildrenChanged        EventType = 4
	EventDataWatchRemoved       EventType = 5
	EventChildWatchRemoved      EventType = 6
	EventPersistentWatchRemoved EventType = 7
)

// A KeeperState is how the client stands with the service. A server sends
// StateSyncConnected in every event, except to clients in read-only mode.
type KeeperState int32

const (
	StateDisconnected      KeeperState = 0
	StateSyncConnected     KeeperState = 3
	StateAuthFailed        KeeperState = 4
	StateConnectedReadOnly KeeperState = 5
	StateSASLAuthenticated KeeperState = 6
	StateClosed            KeeperState = 7
	StateExpired           KeeperState = -112
)

// A WatcherEvent is the body of a reply with [XidWatch], zxid -1 and code OK.
type WatcherEvent struct {
	Type  EventType
	State KeeperState
	Path  string
}

func (r *WatcherEvent) Decode(d *Decoder) {
	r.Type = EventType(d.Int32())
	r.State = KeeperState(d.Int32())
	r.Path = d.String()
}

func (r *WatcherEvent) Append(b []byte) []byte {
	b = AppendInt32(b, int32(r.Type))
	b = AppendInt32(b, int32(r.State))
	return AppendString(b, r.Path)
}
