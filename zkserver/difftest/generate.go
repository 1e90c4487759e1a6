package difftest

import (
	"math/rand/v2"

	"github.com/mwqueue/mw/zkserver/wire"
)

// users are the digest identities that clients take.
var users = []string{"alice:a", "bob:b"}

// superUser is the super user of package reference.
const superUser = "super:secret"

// A Profile says how the servers are configured that a stream is for, and so what
// its requests are about.
type Profile int

const (
	// Plain is for servers with default settings.
	Plain Profile = iota

	// Guarded is for servers that enforce quotas and have the super user of package
	// reference. One request in six is about a quota, one auth in three is the super
	// user's. Requests are in flight one at a time: the reference holds quotas
	// against what is in its tree, not against what is on its way there.
	Guarded

	// Member is for one of several servers, held against a server alone: it has
	// members in /zookeeper/config, so that no request is about that.
	Member

	// Secure is for servers with TLS, see [Server]. Most connections are over it, with
	// certificates; ACLs name these, and one request in six asks who the client is or
	// what it may do. No quota has a hard limit.
	Secure
)

// A generator makes the steps of one seed. It remembers which znodes may be there,
// so that most requests find one: the name space is small, and a stream that only
// sees NoNode shows little.
type generator struct {
	profile Profile
	rng     *rand.Rand
	known   []string        // paths that may exist, Root first
	closed  map[string]bool // paths of znodes that not everybody may be able to read
	expired bool
	xid     int32
	steps   []Step
}

// Generate returns the stream of a seed: always the same one, of about n requests.
func Generate(p Profile, seed uint64, n int) Stream {
	g := &generator{profile: p, rng: rand.New(rand.NewPCG(seed, 1)), known: []string{Root}, closed: map[string]bool{}}
	for i := range clients - 1 {
		g.steps = append(g.steps, Step{Client: i, Do: Connect, Connect: hello, As: g.person()})
	}
	g.start()
	for sent := 0; sent < n; {
		if expiry := seed%expiryEvery == 7; expiry && sent >= n/2 && !g.expired {
			g.expire()
		}
		if g.chance(5) {
			g.steps = append(g.steps, g.connection())
			continue
		}
		s := Step{Client: g.rng.IntN(clients), Do: Send, Requests: g.batch()}
		sent += len(s.Requests)
		g.steps = append(g.steps, s)
	}
	return Stream{Seed: seed, Steps: g.steps}
}

// expiryEvery is how many seeds have one in which a session expires: it takes
// seconds.
const expiryEvery = 100

// expire lets a session with two ephemerals expire. Its timeout is long enough for
// a machine that is busy.
func (g *generator) expire() {
	g.expired = true
	short := hello
	short.TimeoutMillis = 3000
	c := g.rng.IntN(clients)
	s := Step{Client: c, Do: Send}
	for _, name := range []string{"/gone", "/b/gone"} {
		r := wire.CreateRequest{Path: Root + name, ACL: openACL, Flags: wire.FlagEphemeralSequential}
		s.Requests = append(s.Requests, g.request(wire.OpCreate, &r))
	}
	g.steps = append(g.steps, Step{Client: c, Do: Connect, Connect: short}, s, Step{Client: c, Do: Expire})
}

var hello = wire.ConnectRequest{TimeoutMillis: 60_000, HasReadOnly: true}

// start makes a few znodes to begin with.
func (g *generator) start() {
	for _, p := range []string{Root + "/a", Root + "/b", Root + "/a/a"} {
		g.learn(p, openACL)
		r := wire.CreateRequest{Path: p, Data: []byte("first"), ACL: openACL}
		g.steps = append(g.steps, Step{Do: Send, Requests: []Request{g.request(wire.OpCreate, &r)}})
	}
}

// batch returns requests that are in flight together. Those that the reference
// answers out of order stand alone, those after which it closes stand last.
func (g *generator) batch() []Request {
	n := 1
	if g.profile != Guarded && g.chance(40) {
		n += 1 + g.rng.IntN(7)
	}
	var b []Request
	for len(b) < n {
		q := g.next()
		if alone(q.Op) {
			if len(b) == 0 {
				return []Request{q}
			}
			continue
		}
		b = append(b, q)
		if q.ends() || q.Op == wire.OpSetACL || leavesChanges(&q) { // see Differences
			break
		}
	}
	return b
}

// connection returns a step that opens or cuts a connection.
func (g *generator) connection() Step {
	s := Step{Client: g.rng.IntN(clients), Do: Connect, Connect: hello}
	s.Of = s.Client
	switch k := g.rng.IntN(100); {
	case k < 25:
	case k < 60:
		s.Attach = KnownSession
	case k < 70:
		s.Attach, s.Of = KnownSession, g.rng.IntN(clients)
	case k < 76:
		s.Attach, s.Of = WrongPassword, g.rng.IntN(clients)
	case k < 80:
		s.Attach = NoSuchSession
	default:
		return Step{Client: s.Client, Do: Drop}
	}
	s.As = g.person()
	if g.chance(40) {
		q := &s.Connect
		q.ProtocolVersion = pick[int32](g, 0, 0, 0, 1, -1, 77)
		q.TimeoutMillis = pick[int32](g, 60_000, 30_000, 599_999, 600_000, 600_001, 2_000_000_000)
		q.LastZxidSeen = pick[int64](g, 0, 0, 0, 1, -1, 1<<40)
		q.HasReadOnly = g.chance(50)
		q.ReadOnly = q.HasReadOnly && g.chance(50)
		if q.HasReadOnly && g.chance(20) {
			s.Junk = []byte("junk")
		}
	}
	return s
}

// request returns a request with the next xid.
func (g *generator) request(op wire.Op, rec wire.Record) Request {
	g.xid++
	q := Request{Xid: g.xid, Op: op, Body: rec.Append(nil)}
	switch {
	case op == wire.OpPing:
		q.Xid = wire.XidPing
	case op == wire.OpAuth:
		q.Xid = wire.XidAuth
	case op == wire.OpSetWatches || op == wire.OpSetWatches2:
		q.Xid = wire.XidSetWatches
	case g.chance(1):
		q.Xid = pick[int32](g, 0, -3, -1<<31, 1<<31-1)
	}
	return q
}

// chance is true in percent of 100 cases.
func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *generator, of ...T) T { return of[g.rng.IntN(len(of))] }
