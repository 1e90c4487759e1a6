package difftest

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// learn notes that path may exist from now on, with an ACL.
func (g *generator) learn(path string, acl []wire.ACL) {
	if !strings.Contains(path, Root) {
		return // what would be made below it would stay for other runs
	}
	if !slices.Equal(acl, openACL) {
		g.closed[path] = true
	}
	if len(g.known) < 14 {
		g.known = append(g.known, path)
	} else {
		g.known[1+g.rng.IntN(len(g.known)-1)] = path
	}
}

// path returns one that most likely exists.
func (g *generator) path() string {
	switch k := g.rng.IntN(100); {
	case k < 84:
		return pick(g, g.known...)
	case k < 91:
		return g.child()
	case k < 95:
		return g.badPath()
	}
	config := "/zookeeper/config"
	if g.profile == Member {
		config = "/zookeeper"
	}
	return pick(g, "/", "/zookeeper", config, "/zookeeper/quota", "/zookeeper/quota"+Root,
		"/zookeeper/quota"+Root+"/zookeeper_limits", "/zookeeper/quota"+Root+"/zookeeper_stats", "/zookeeper"+Root)
}

// newPath returns one to create: most likely its parent exists.
func (g *generator) newPath() string {
	switch k := g.rng.IntN(100); {
	case k < 80:
		return g.child()
	case k < 92:
		return pick(g, g.known...)
	case k < 97:
		return g.badPath()
	}
	config := "/zookeeper/config"
	if g.profile == Member { // its version is -1 there, and what a sequential one beside it has is told from that
		config = "/zookeeper"
	}
	return pick(g, "/zookeeper", config, "/zookeeper/quota", "/zookeeper/quota"+Root, "/zookeeper"+Root, config+Root)
}

func (g *generator) child() string {
	parent := pick(g, g.known...)
	if strings.Count(parent, "/") > 4 {
		parent = Root
	}
	return parent + "/" + pick(g, "a", "b", "c", "d")
}

// badPath returns one that is no path, or hardly.
func (g *generator) badPath() string {
	return pick(g, g.known...) + pick(g, "/", "//a", "/.", "/..", "/./a", "/a/../b", "/...", "/a.", "/\x00", "/a\x00b", "/\x01", "/\x1f",
		"/ ", "/\x7f", "/\u0080", "/\u009f", "/\u00a0", "/é", "/\ud7ff", "/\ue000", "/\uf8ff", "/\uf900", "/\uffef", "/\ufff0", "/\uffff", "/😀",
		"/"+strings.Repeat("long", 80), "x", "\x00", "/\t", "/zookeeper", "/\u2028")
}

// paths returns a vector for setWatches, of znodes that everybody may read: see
// [Differences].
func (g *generator) paths() []string {
	var v []string
	for range g.rng.IntN(3) {
		if p := g.path(); !g.closed[p] {
			v = append(v, p)
		}
	}
	return v
}

func (g *generator) data() []byte {
	switch k := g.rng.IntN(100); {
	case k < 70:
		return []byte(pick(g, "x", "hello", "12345678"))
	case k < 80:
		return nil
	case k < 90:
		return []byte{}
	case k < 99:
		return bytes.Repeat([]byte("d"), g.rng.IntN(2000))
	}
	return bytes.Repeat([]byte("D"), 100_000)
}

// dataOf returns data for path: for what the servers themselves read, what they can.
func (g *generator) dataOf(path string) []byte {
	if strings.HasPrefix(path, "/zookeeper/quota/") {
		return g.quotaData()
	}
	return g.data()
}

func (g *generator) quotaData() []byte {
	if g.profile == Secure {
		return []byte(pick(g, "count=3,bytes=-1", "count=-1,bytes=20"))
	}
	return []byte(pick(g, "count=3,bytes=-1", "count=-1,bytes=20", "count=-1,bytes=-1=;byteHardLimit=30;countHardLimit=4", "count=5,bytes=100"))
}

func (g *generator) version() int32 {
	switch k := g.rng.IntN(100); {
	case k < 60:
		return -1
	case k < 94:
		return int32(g.rng.IntN(4))
	}
	return pick[int32](g, -2, 99, -1<<31, 1<<31-1)
}

// acl returns an open one most of the time.
func (g *generator) acl() []wire.ACL {
	switch k := g.rng.IntN(100); {
	case k < 70:
		return openACL
	case k < 72:
		return nil
	case k < 86:
		return []wire.ACL{g.grant()}
	}
	var v []wire.ACL
	for range 1 + g.rng.IntN(3) {
		v = append(v, g.grant())
	}
	if g.chance(20) {
		v = append(v, v[0])
	}
	return v
}

// grant returns one entry of an ACL. The digests are those of the users.
func (g *generator) grant() wire.ACL {
	a := wire.ACL{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}
	if g.chance(60) {
		a.Perms = pick[int32](g, 1, 2, 4, 8, 16, 3, 5, 9, 17, 15, 30, 27, 0, 32, -1, 63)
	}
	type id struct{ scheme, id string }
	if g.profile == Secure && g.chance(60) {
		a.Scheme, a.ID = "x509", g.name()
		return a
	}
	i := id{"world", "anyone"}
	switch k := g.rng.IntN(100); {
	case k < 30:
	case k < 60:
		i = pick(g, id{"digest", "alice:" + digest("alice:a")}, id{"digest", "bob:" + digest("bob:b")})
	case k < 75:
		i = id{"auth", pick(g, "", "", "x")}
	case k < 85:
		i = id{"ip", pick(g, "127.0.0.1", "127.0.0.0/8", "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "127.0.0.1/32", "127.0.0.1/33", "127.0.0.1/-1", "127.0.0.1/", "127.0.0", "x", "", "1.2.3.4/5/6", "256.0.0.1")}
	case k < 95:
		i = id{"digest", pick(g, "alice", "alice:x", "a:b:c", ":", "", "alice:", ":x")}
	default:
		i = pick(g, id{"world", "nobody"}, id{"", ""}, id{"no such", "x"}, id{"x509", "CN=x"}, id{"super", "x"}, id{"sasl", "x"}, id{"WORLD", "anyone"}, id{"world", ""})
	}
	a.Scheme, a.ID = i.scheme, i.id
	return a
}

// damage makes the body what no client sends: cut, with a length that is null,
// negative or too long, or with bytes behind its end.
func (g *generator) damage(q *Request) {
	if len(q.Body) < 4 || strayTTL(q) {
		return
	}
	if bytes.Contains(q.Body, []byte("/zookeeper/quota/")) || q.Op == wire.OpReconfig {
		return
	}
	if r, ok := wire.NewRequest(q.Op).(*wire.CreateRequest); ok && wire.Decode(q.Body, r) == nil {
		g.closed[r.Path] = true // the damage may be to the ACL
	}
	switch g.rng.IntN(4) {
	case 0:
		q.Body = q.Body[:g.rng.IntN(len(q.Body))]
	case 1:
		q.Body = append(q.Body, "junk"...)
	case 2: // the first length, of the path as a rule
		if isSetWatches(q.Op) { // a zxid, and not in terms of the run
			return
		}
		binary.BigEndian.PutUint32(q.Body, pick[uint32](g, 0xffff_fffe, 0x7fff_ffff, 0x8000_0000, 3, 0))
		if !takesNullPath(q.Op) && g.chance(50) {
			binary.BigEndian.PutUint32(q.Body, 0xffff_ffff)
		}
	case 3: // any four bytes, of a length as a rule
		at := g.rng.IntN(len(q.Body) - 3)
		if isSetWatches(q.Op) && at < 8 {
			return
		}
		if i := bytes.Index(q.Body[at:], []byte{0, 0, 0}); i >= 0 && at+i+4 <= len(q.Body) {
			at += i
		}
		if at == 0 && takesNullPath(q.Op) {
			return
		}
		binary.BigEndian.PutUint32(q.Body[at:], pick(g, strayLengths(q.Op)...))
	}
}

func isSetWatches(op wire.Op) bool { return op == wire.OpSetWatches || op == wire.OpSetWatches2 }
