package difftest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// answers turns what one server sent in one run into lines that two servers can
// be compared by: what must be equal stays, what is each server's own affair
// (times, session ids, where zxids start) is told relative to the run.
type answers struct {
	root     string               // what the run has in place of Root
	base     int64                // zxid at which the run began
	began    time.Time            // by our clock; the servers share it
	sessions map[int64]string     // names of the sessions of the run
	was      map[string]wire.Stat // znodes that other runs change, as they were
	below    map[string]int32     // and how many znodes were below them
}

// A Line is one thing that one client was told.
type Line struct {
	Step   int // which step read it
	Client int
	Op     wire.Op   // of the request it answers; OpNotification when it answers none
	Code   wire.Code // of the reply
	Text   string

	isEvent bool
}

func (l Line) String() string { return fmt.Sprintf("client %d  %s", l.Client, l.Text) }

// event returns the text of a frame that is no reply.
func (a *answers) event(h wire.ReplyHeader, d *wire.Decoder) string {
	var e wire.WatcherEvent
	e.Decode(d)
	return fmt.Sprintf("event %d state %d %q zxid %d code %d%s", e.Type, e.State, a.path(e.Path), h.Zxid, h.Err, a.rest(d))
}

// reply returns the text of the frame that answers q.
func (a *answers) reply(q *Request, h wire.ReplyHeader, d *wire.Decoder) string {
	code := h.Err.String()
	if q.Op == wire.OpCheckWatches && (h.Err == wire.OK || h.Err == wire.NoWatcher) { // see Differences
		code = "watched or not"
	}
	text := fmt.Sprintf("xid %d %s zxid %s", h.Xid, code, a.zxid(h.Zxid))
	rec := wire.NewReply(q.Op)
	if h.Err == wire.OK && rec != nil {
		asked := wire.NewRequest(q.Op)
		wire.Decode(q.Body, asked)
		body := d.Rest()
		rec.Decode(d)
		if d.Err() != nil {
			return fmt.Sprintf("%s, a body that does not decode: %x", text, body)
		}
		text += a.record(asked, rec)
	}
	return text + a.rest(d)
}

// rest returns what a frame has behind its end.
func (a *answers) rest(d *wire.Decoder) string {
	if d.Err() != nil {
		return ", cut short"
	}
	if d.Len() > 0 {
		return fmt.Sprintf(", then %x", d.Rest())
	}
	return ""
}

// record returns the text of rec, the answer to asked.
func (a *answers) record(asked, rec wire.Record) string {
	of := pathOf(asked)
	switch r := rec.(type) {
	case *wire.CreateResponse:
		return fmt.Sprintf(" %q", a.path(r.Path))
	case *wire.Create2Response:
		return fmt.Sprintf(" %q%s", a.path(r.Path), a.stat(of, &r.Stat))
	case *wire.StatResponse:
		return a.stat(of, &r.Stat)
	case *wire.GetDataResponse:
		return fmt.Sprintf(" data %s%s", a.path(showData(r.Data)), a.stat(of, &r.Stat))
	case *wire.ChildrenResponse:
		return fmt.Sprintf(" %q", a.names(of, r.Children))
	case *wire.Children2Response:
		return fmt.Sprintf(" %q%s", a.names(of, r.Children), a.stat(of, &r.Stat))
	case *wire.GetACLResponse:
		return fmt.Sprintf(" acl %s%s", showACLs(ordered(r.ACL)), a.stat(of, &r.Stat))
	case *wire.PathResponse:
		return fmt.Sprintf(" %q", a.path(r.Path))
	case *wire.CountResponse:
		return fmt.Sprintf(" count %d", r.Count-a.below[clean(of)])
	case *wire.MultiResponse:
		return a.multi(asked, r)
	case *wire.WhoAmIResponse:
		ids := slices.SortedFunc(slices.Values(r.IDs), func(a, b wire.ID) int {
			return cmp.Or(cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.ID, b.ID))
		})
		return fmt.Sprintf(" %q", ids)
	case *wire.Empty:
		return ""
	case *wire.ErrorResponse:
		return fmt.Sprintf(" body code %d", r.Err)
	}
	return strings.TrimPrefix(fmt.Sprintf(" %+v", rec), "&")
}

// ordered sorts the ids of an ACL where they have the same permissions: those that
// took the place of "auth" come in the order of a hash table.
func ordered(acl []wire.ACL) []wire.ACL {
	for i := 0; i < len(acl); {
		end := i
		for end < len(acl) && acl[end].Perms == acl[i].Perms {
			end++
		}
		slices.SortFunc(acl[i:end], func(a, b wire.ACL) int {
			return cmp.Or(cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.ID, b.ID))
		})
		i = end
	}
	return acl
}

func (a *answers) multi(asked wire.Record, r *wire.MultiResponse) string {
	m, _ := asked.(*wire.MultiRequest)
	var b strings.Builder
	for i, res := range r.Results {
		var part wire.Record
		if m != nil && i < len(m.Ops) {
			part = m.Ops[i].Request
		}
		fmt.Fprintf(&b, "\n        %v%s", res.Op, a.record(part, res.Reply))
	}
	return b.String()
}

// names sorts children, which have no order, and drops those that other runs left.
func (a *answers) names(of string, names []string) []string {
	shown := []string{}
	for _, n := range names {
		if _, others := a.was[clean(of)]; others && !strings.HasPrefix("/"+n, a.root) && !slices.Contains(system, n) {
			continue
		}
		shown = append(shown, a.path(n))
	}
	slices.Sort(shown)
	return shown
}

// system are names that every tree has.
var system = []string{"zookeeper", "quota", "config"}

// stat returns the text of s, which path has.
func (a *answers) stat(path string, s *wire.Stat) string {
	was := a.was[clean(path)]
	times := "t"
	now := time.Now()
	for _, t := range []struct{ zxid, millis int64 }{{s.Czxid, s.Ctime}, {s.Mzxid, s.Mtime}} {
		at := time.UnixMilli(t.millis)
		switch {
		case t.zxid <= a.base: // of another run
		case at.Before(a.began.Add(-time.Second)) || at.After(now.Add(time.Second)):
			times = fmt.Sprintf("time %v", at)
		}
	}
	if s.Mtime < s.Ctime {
		times += " modified before it was created"
	}
	if s.Czxid == s.Mzxid && s.Ctime != s.Mtime {
		times += " one zxid, two times"
	}
	return fmt.Sprintf(" {c %s m %s p %s %s v %d cv %d av %d owner %s len %d children %d}",
		a.zxid(s.Czxid), a.zxid(s.Mzxid), a.zxid(s.Pzxid), times,
		s.Version-was.Version, s.Cversion-was.Cversion, s.Aversion-was.Aversion,
		a.session(s.EphemeralOwner), s.DataLength, s.NumChildren-was.NumChildren)
}

func (a *answers) zxid(z int64) string {
	switch {
	case z <= 0:
		return fmt.Sprint(z)
	case z <= a.base:
		return "old"
	}
	return fmt.Sprintf("%+d", z-a.base)
}

func (a *answers) session(id int64) string {
	if name, ok := a.sessions[id]; ok {
		return name
	}
	return fmt.Sprintf("%#x", id)
}

// path puts the mark in place of the run's path, of its name alone too.
func (a *answers) path(p string) string {
	p = strings.ReplaceAll(strings.ReplaceAll(p, a.root, Root), a.root[1:], Root[1:])
	p = strings.Map(func(r rune) rune {
		if r > 0xffff {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(p, garbled))
	for strings.Contains(p, garbled+garbled) {
		p = strings.ReplaceAll(p, garbled+garbled, garbled)
	}
	return p
}

// garbled is what Java makes of bytes that it cannot read. How many of them, is its
// own affair.
const garbled = "\ufffd"

// pathOf returns the path that a request is about, or "".
func pathOf(rec wire.Record) string {
	switch q := rec.(type) {
	case *wire.CreateRequest:
		return q.Path
	case *wire.CreateTTLRequest:
		return q.Path
	case *wire.SetDataRequest:
		return q.Path
	case *wire.SetACLRequest:
		return q.Path
	case *wire.PathRequest:
		return q.Path
	case *wire.PathWatchRequest:
		return q.Path
	}
	return ""
}

// clean returns the path that the servers take path for.
func clean(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
