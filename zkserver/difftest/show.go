package difftest

import (
	"fmt"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// showRequest returns the fields of a request's body, as a person would name them.
func showRequest(rec wire.Record) string {
	switch q := rec.(type) {
	case *wire.CreateRequest:
		return fmt.Sprintf("%q data %s acl %s flags %d", q.Path, showData(q.Data), showACLs(q.ACL), q.Flags)
	case *wire.CreateTTLRequest:
		return fmt.Sprintf("%q data %s acl %s flags %d ttl %d", q.Path, showData(q.Data), showACLs(q.ACL), q.Flags, q.TTL)
	case *wire.SetDataRequest:
		return fmt.Sprintf("%q data %s version %d", q.Path, showData(q.Data), q.Version)
	case *wire.SetACLRequest:
		return fmt.Sprintf("%q acl %s version %d", q.Path, showACLs(q.ACL), q.Version)
	case *wire.AuthRequest:
		return fmt.Sprintf("%q %s", q.Scheme, showData(q.Auth))
	case *wire.PathRequest:
		return fmt.Sprintf("%q", q.Path)
	case *wire.PathWatchRequest:
		return fmt.Sprintf("%q watch %v", q.Path, q.Watch)
	case *wire.SetWatchesRequest:
		return showWatches(q)
	case *wire.SetWatches2Request:
		return fmt.Sprintf("%s persistent %s recursive %s", showWatches(&q.SetWatchesRequest), showVector(q.Persistent), showVector(q.PersistentRecursive))
	case *wire.MultiRequest:
		parts := make([]string, len(q.Ops))
		for i, o := range q.Ops {
			parts[i] = fmt.Sprintf("%v %s", o.Op, showRequest(o.Request))
		}
		return "[" + strings.Join(parts, " | ") + "]"
	}
	return strings.TrimPrefix(fmt.Sprintf("%+v", rec), "&")
}

func showPerson(person string) string {
	if person == "" {
		return ""
	}
	return " over TLS as " + person
}

func showConnect(q *wire.ConnectRequest, junk []byte) string {
	text := fmt.Sprintf("protocol %d timeout %d seen %+d", q.ProtocolVersion, q.TimeoutMillis, q.LastZxidSeen)
	if q.HasReadOnly {
		text += fmt.Sprintf(" read-only %v", q.ReadOnly)
	}
	if len(junk) > 0 {
		text += fmt.Sprintf(" junk %x", junk)
	}
	return text
}

func showWatches(q *wire.SetWatchesRequest) string {
	zxid := fmt.Sprint(q.RelativeZxid)
	if q.RelativeZxid>>16 == markedZxid>>16 {
		zxid = fmt.Sprintf("%+d", q.RelativeZxid-markedZxid)
	}
	return fmt.Sprintf("since %s data %s exist %s child %s", zxid, showVector(q.Data), showVector(q.Exist), showVector(q.Child))
}

func showVector(v []string) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%q", v)
}

// showData tells null from empty, and keeps long data short.
func showData(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case len(b) > 200:
		return fmt.Sprintf("%d bytes %.40q…", len(b), b)
	}
	return fmt.Sprintf("%q", b)
}

func showACLs(acl []wire.ACL) string {
	if acl == nil {
		return "null"
	}
	parts := make([]string, len(acl))
	for i, a := range acl {
		parts[i] = fmt.Sprintf("%d %s:%s", a.Perms, a.Scheme, a.ID)
	}
	return fmt.Sprintf("%q", parts)
}
