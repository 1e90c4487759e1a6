package zkshell

import (
	"fmt"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// formatStat is zkCli's block of a znode's stat, with times in loc.
func formatStat(s wire.Stat, loc *time.Location) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cZxid = 0x%x\n", uint64(s.Czxid))
	fmt.Fprintf(&b, "ctime = %s\n", formatTime(s.Ctime, loc))
	fmt.Fprintf(&b, "mZxid = 0x%x\n", uint64(s.Mzxid))
	fmt.Fprintf(&b, "mtime = %s\n", formatTime(s.Mtime, loc))
	fmt.Fprintf(&b, "pZxid = 0x%x\n", uint64(s.Pzxid))
	fmt.Fprintf(&b, "cversion = %d\n", s.Cversion)
	fmt.Fprintf(&b, "dataVersion = %d\n", s.Version)
	fmt.Fprintf(&b, "aclVersion = %d\n", s.Aversion)
	fmt.Fprintf(&b, "ephemeralOwner = 0x%x\n", uint64(s.EphemeralOwner))
	fmt.Fprintf(&b, "dataLength = %d\n", s.DataLength)
	fmt.Fprintf(&b, "numChildren = %d\n", s.NumChildren)
	return b.String()
}

// formatTime shows milliseconds since 1970 as Java's Date does.
func formatTime(millis int64, loc *time.Location) string {
	return time.UnixMilli(millis).In(loc).Format("Mon Jan 02 15:04:05 MST 2006")
}

// formatList shows names as Java shows a list.
func formatList(names []string) string { return "[" + strings.Join(names, ", ") + "]\n" }

// formatData shows a znode's data: null as such, and bytes that are no UTF-8 as the
// replacement character.
func formatData(data []byte) string {
	if data == nil {
		return "null\n"
	}
	return strings.ToValidUTF8(string(data), "\uFFFD") + "\n"
}

var eventNames = map[wire.EventType]string{
	wire.EventNone:                   "None",
	wire.EventCreated:                "NodeCreated",
	wire.EventDeleted:                "NodeDeleted",
	wire.EventDataChanged:            "NodeDataChanged",
	wire.EventChildrenChanged:        "NodeChildrenChanged",
	wire.EventDataWatchRemoved:       "DataWatchRemoved",
	wire.EventChildWatchRemoved:      "ChildWatchRemoved",
	wire.EventPersistentWatchRemoved: "PersistentWatchRemoved",
}

var stateNames = map[wire.KeeperState]string{
	wire.StateDisconnected:      "Disconnected",
	wire.StateSyncConnected:     "SyncConnected",
	wire.StateAuthFailed:        "AuthFailed",
	wire.StateConnectedReadOnly: "ConnectedReadOnly",
	wire.StateSASLAuthenticated: "SaslAuthenticated",
	wire.StateExpired:           "Expired",
	wire.StateClosed:            "Closed",
}

// formatEvent is what zkCli prints when a watch fires.
func formatEvent(e wire.WatcherEvent) string {
	path := e.Path
	if e.Type == wire.EventNone {
		path = noPath
	}
	return fmt.Sprintf("\nWATCHER::\n\nWatchedEvent state:%s type:%s path:%s\n", stateNames[e.State], eventNames[e.Type], path)
}
