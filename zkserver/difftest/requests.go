package difftest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// kinds are the requests of a stream and how often each comes, in parts of their sum.
var kinds = []struct {
	weight int
	make   func(*generator) Request
}{
	{120, (*generator).create},
	{25, (*generator).createTTL},
	{70, (*generator).delete},
	{80, (*generator).setData},
	{25, (*generator).setACL},
	{60, (*generator).multi},
	{20, (*generator).multiRead},
	{150, (*generator).read},
	{40, (*generator).pathOnly},
	{30, (*generator).addWatch},
	{30, (*generator).removeWatches},
	{20, (*generator).setWatches},
	{25, (*generator).auth},
	{15, (*generator).quota},
	{12, (*generator).rare},
}

// alone reports whether nothing else may be in flight with op: the reference
// answers it as soon as it reads it, before what was sent earlier.
func alone(op wire.Op) bool {
	return op == wire.OpAuth || op == wire.OpSASL || wire.NewRequest(op) == nil
}

// next returns a request, now and then with bytes that a client would not send.
func (g *generator) next() Request {
	if g.profile == Guarded && g.chance(16) {
		return g.hardQuota()
	}
	if g.profile == Secure && g.chance(16) {
		return g.secure()
	}
	sum := 0
	for _, k := range kinds {
		sum += k.weight
	}
	at := g.rng.IntN(sum)
	for _, k := range kinds {
		if at -= k.weight; at < 0 {
			q := k.make(g)
			if g.chance(4) {
				g.damage(&q)
			}
			return q
		}
	}
	panic("unreachable")
}

func (g *generator) create() Request {
	op := pick(g, wire.OpCreate, wire.OpCreate, wire.OpCreate2, wire.OpCreate2, wire.OpCreateContainer)
	r := g.createRecord()
	tameContainer(op, r)
	return g.request(op, r)
}

func (g *generator) createRecord() *wire.CreateRequest {
	r := &wire.CreateRequest{Path: g.newPath(), ACL: g.acl(), Flags: g.flags()}
	r.Data = g.dataOf(r.Path)
	switch r.Flags {
	case wire.FlagSequential, wire.FlagEphemeralSequential:
		if !strings.HasPrefix(r.Path, Root+"/") { // the numbers of other runs
			r.Flags -= wire.FlagSequential
			return r
		}
		g.learn(r.Path+pick(g, "0000000000", "0000000001", "0000000002", "0000000003"), r.ACL)
	default:
		g.learn(r.Path, r.ACL)
	}
	return r
}

func (g *generator) flags() int32 {
	switch k := g.rng.IntN(100); {
	case k < 50:
		return wire.FlagPersistent
	case k < 66:
		return wire.FlagEphemeral
	case k < 78:
		return wire.FlagSequential
	case k < 86:
		return wire.FlagEphemeralSequential
	case k < 93:
		return wire.FlagContainer
	}
	return pick[int32](g, 5, 6, 7, -1, 99, 1<<31-1)
}

func (g *generator) createTTL() Request { return g.request(wire.OpCreateTTL, g.createTTLRecord()) }

func (g *generator) createTTLRecord() *wire.CreateTTLRequest {
	c := g.createRecord()
	r := &wire.CreateTTLRequest{Path: c.Path, Data: c.Data, ACL: c.ACL, Flags: c.Flags, TTL: g.ttl()}
	if g.chance(80) {
		r.Flags = pick(g, wire.FlagPersistentTTL, wire.FlagPersistentSequentialTTL)
	}
	tame(r)
	return r
}

// ttl returns edges of what a TTL may be: 1 ms to 40 bits of them.
func (g *generator) ttl() int64 {
	if g.chance(60) {
		return pick[int64](g, 3_600_000, 86_400_000)
	}
	return pick[int64](g, 0, -1, -1<<63, 1<<63-1, 1<<40-1, 1<<40, 1<<40+1, 1<<39)
}

func (g *generator) delete() Request { return g.request(wire.OpDelete, g.deleteRecord()) }

func (g *generator) deleteRecord() *wire.DeleteRequest {
	r := &wire.DeleteRequest{Path: g.path(), Version: g.version()}
	if r.Path == "/zookeeper/config" { // it would be gone for all runs
		r.Path = Root
	}
	return r
}

func (g *generator) setData() Request { return g.request(wire.OpSetData, g.setDataRecord()) }

func (g *generator) setDataRecord() *wire.SetDataRequest {
	path := g.path()
	return &wire.SetDataRequest{Path: path, Data: g.dataOf(path), Version: g.version()}
}

func (g *generator) setACL() Request {
	r := &wire.SetACLRequest{Path: g.path(), ACL: g.acl(), Version: g.version()}
	for _, p := range shared {
		if clean(r.Path) == p { // other runs need it
			r.ACL = openACL
		}
	}
	if !slices.Equal(r.ACL, openACL) {
		g.closed[r.Path] = true
	}
	return g.request(wire.OpSetACL, r)
}

func (g *generator) read() Request {
	op := pick(g, wire.OpExists, wire.OpGetData, wire.OpGetChildren, wire.OpGetChildren2)
	return g.request(op, &wire.PathWatchRequest{Path: g.path(), Watch: g.chance(50)})
}

func (g *generator) pathOnly() Request {
	op := pick(g, wire.OpGetACL, wire.OpGetACL, wire.OpSync, wire.OpGetEphemerals, wire.OpGetAllChildrenNumber, wire.OpDeleteContainer)
	return g.request(op, &wire.PathRequest{Path: g.path()})
}

func (g *generator) addWatch() Request {
	mode := pick[int32](g, 0, 0, 0, 1, 1, 1, 2, -1)
	return g.request(wire.OpAddWatch, &wire.AddWatchRequest{Path: g.path(), Mode: mode})
}

func (g *generator) removeWatches() Request {
	op := pick(g, wire.OpRemoveWatches, wire.OpCheckWatches)
	kind := pick[int32](g, 1, 1, 2, 2, 3, 3, 3, 0, 9, 4, 5, -1)
	return g.request(op, &wire.RemoveWatchesRequest{Path: g.path(), Type: kind})
}

func (g *generator) setWatches() Request {
	since := zxidMark(int64(g.rng.IntN(60)) - 5)
	if g.chance(20) {
		since = pick[int64](g, 0, -1, 1<<40, -1<<63)
	}
	r := wire.SetWatches2Request{
		SetWatchesRequest:   wire.SetWatchesRequest{RelativeZxid: since, Data: g.paths(), Exist: g.paths(), Child: g.paths()},
		Persistent:          g.paths(),
		PersistentRecursive: g.paths(),
	}
	if g.chance(50) {
		return g.request(wire.OpSetWatches, &r.SetWatchesRequest)
	}
	return g.request(wire.OpSetWatches2, &r)
}

func (g *generator) auth() Request {
	r := wire.AuthRequest{Scheme: "digest", Auth: []byte(pick(g, users...))}
	if g.profile == Guarded && g.chance(33) {
		r.Auth = []byte(pick(g, superUser, superUser, superUser, "super:wrong"))
	}
	if g.chance(15) {
		r.Scheme = pick(g, "digest", "ip", "world", "auth", "x509", "sasl", "super", "", "no such")
		r.Auth = pick(g, nil, []byte{}, []byte("alice:a"), []byte("alice"), []byte("::"), []byte("127.0.0.1"), []byte("anyone"), []byte("\xff\x00"))
	}
	return g.request(wire.OpAuth, &r)
}

// quota returns a request on the quota of the run's root.
func (g *generator) quota() Request {
	const at = "/zookeeper/quota" + Root
	path := pick(g, at, at, at+"/zookeeper_limits", at+"/zookeeper_limits", at+"/zookeeper_stats", at+"/a", at+"/a/zookeeper_limits")
	data := g.quotaData()
	if g.chance(60) {
		return g.request(wire.OpCreate, &wire.CreateRequest{Path: path, Data: data, ACL: openACL})
	}
	if g.chance(50) {
		return g.request(wire.OpSetData, &wire.SetDataRequest{Path: path, Data: data, Version: -1})
	}
	return g.request(wire.OpDelete, &wire.DeleteRequest{Path: path, Version: -1})
}

// hardQuota returns a request on a quota of the run's root or of a znode below.
func (g *generator) hardQuota() Request {
	at := "/zookeeper/quota" + Root + pick(g, "", "", "/a", "/b", "/a/a")
	q := wire.MultiRequest{Ops: []wire.MultiOp{
		{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: at + "/zookeeper_limits", Data: g.limits(), ACL: openACL}},
		{Op: wire.OpCreate, Request: &wire.CreateRequest{Path: at + "/zookeeper_stats", Data: []byte("count=1,bytes=1"), ACL: openACL}},
	}}
	switch k := g.rng.IntN(100); {
	case k < 35: // as setquota does, but for the folders
		return g.request(wire.OpCreate, &wire.CreateRequest{Path: at, ACL: openACL, Data: g.limits()})
	case k < 70:
		return g.request(wire.OpMulti, &q)
	case k < 85:
		return g.request(wire.OpSetData, &wire.SetDataRequest{Path: at + "/zookeeper_limits", Data: g.limits(), Version: -1})
	case k < 92:
		return g.request(wire.OpGetData, &wire.PathWatchRequest{Path: at + "/zookeeper_stats"})
	}
	return g.request(wire.OpDelete, &wire.DeleteRequest{Path: at + pick(g, "/zookeeper_limits", "/zookeeper_stats"), Version: -1})
}

// limits returns what a quota may say: numbers that a run comes to.
func (g *generator) limits() []byte {
	return fmt.Appendf(nil, "count=%d,bytes=%d=;byteHardLimit=%d;countHardLimit=%d",
		pick(g, -1, -1, 2), pick(g, -1, -1, 10), pick(g, -1, -1, 5, 20, 100, 1000), pick(g, -1, 0, 2, 4, 8))
}

// rare returns what clients seldom or never send.
func (g *generator) rare() Request {
	switch g.rng.IntN(8) {
	case 0:
		return g.request(wire.OpReconfig, &wire.ReconfigRequest{JoiningServers: g.data(), NewMembers: g.data(), CurConfigID: -1})
	case 1:
		return g.request(wire.OpSASL, &wire.SASLRequest{Token: g.data()})
	case 2:
		return g.request(wire.OpCloseSession, &wire.Empty{})
	case 3:
		return g.request(pick[wire.Op](g, 10, 23, 50, 99, 108, 200, 1<<31-1, -2, -1), &wire.PathRequest{Path: g.path()})
	case 4:
		return g.request(wire.OpPing, &wire.Empty{})
	}
	return g.request(wire.OpWhoAmI, &wire.Empty{})
}
