package zkserver

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A replica is this member's copy of the state: the tree, the sessions, and
// where the total order has come to. It is an [ensemble.Machine]: what it does
// with a command depends on the commands before it and on nothing else. Beside
// that it tells the connections of this member what came of their requests.
type replica struct {
	maxWatches int           // per connection
	allWatches int           // of all connections
	watchBytes int           // of their paths
	held       *atomic.Int64 // bytes of unanswered requests
	clock      func() time.Duration
	origins    func() uint64 // gives the origin of commands proposed here from now on; set before the first Apply
	live       *liveness
	haveKey    chan struct{} // closed when keyed is set
	quotaLog   zerolog.Logger
	onExpiry   func(session.ID) // is told what expired on a proposal of this member; may be nil

	// mu protects the fields below. Apply holds it to write, for some
	// commands at a time; reads hold it to read.
	mu       sync.RWMutex
	origin   uint64 // marks the commands of this process; another one after each snapshot of another member
	tree     *tree.Tree
	sessions *session.Table
	zxid     int64  // of the last write; the high half is the epoch
	term     uint64 // of the last batch
	keyed    bool   // sessions has its secret

	// The connections of this member, and those that own a session.
	conns      map[uint32]*conn
	owners     map[session.ID]*conn
	lastNumber uint32

	// openers says from which address each session was opened, openedBy how
	// many each address has: of those opened by way of this process.
	openers  map[session.ID]netip.Addr
	openedBy map[netip.Addr]int

	// watches are protected by mu held to write, or by mu held to read and
	// watchMu.
	watches *watch.Table
	watchMu sync.Mutex

	// The fields below are the apply thread's own.
	identities map[string][]tree.ID // decoded identity sets
	touched    []*conn              // got output since the last wake
	doomed     []doom               // to be closed at the next wake
	deaf       []*conn              // are shut; their sockets are closed at the next wake
	overQuota  []string             // paths whose soft quota clients here went above
	expired    []session.ID         // on a proposal of this member
	now        applied              // the write being applied
	batch      *ensemble.Batch      // it is part of

	reconfiguring reconfiguring
}

type doom struct {
	conn  *conn
	cause error
}

// A grant is the answer to a handshake's doCreate or doAttach.
type grant struct {
	session session.Session
	ok      bool
	missed  bool // the session was attached to meanwhile, elsewhere: nothing was done
}

func newReplica(maxWatches int, held *atomic.Int64, clock func() time.Duration) *replica {
	return &replica{
		maxWatches: maxWatches,
		allWatches: math.MaxInt,
		watchBytes: maxAllWatchBytes,
		held:       held,
		clock:      clock,
		live:       newLiveness(),
		haveKey:    make(chan struct{}),
		tree:       tree.New(),
		sessions:   session.NewTable(nil),
		conns:      make(map[uint32]*conn),
		owners:     make(map[session.ID]*conn),
		openers:    make(map[session.ID]netip.Addr),
		openedBy:   make(map[netip.Addr]int),
		watches:    watch.NewTable(),
		identities: make(map[string][]tree.ID),
	}
}

// applyRun is how many commands are applied under one hold of the lock: enough
// that the lock costs nothing, few enough that a read waits well under a
// millisecond.
const applyRun = 64

// Apply applies a batch, answers the requests of this member and sends events.
func (r *replica) Apply(b ensemble.Batch) {
	r.batch = &b
	r.beginTerm(b.Term)
	r.members(&b, r.clock())
	for cmds := b.Commands; len(cmds) > 0; {
		run := cmds[:min(len(cmds), applyRun)]
		cmds = cmds[len(run):]
		now := r.clock()
		r.mu.Lock()
		for i := range run {
			r.apply(&run[i], b.Time, now)
		}
		r.mu.Unlock()
		r.wake()
	}
}

// beginTerm starts a new epoch of zxids at the first batch of a term.
func (r *replica) beginTerm(term uint64) {
	if term == r.term {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.term = term
	r.zxid = (r.zxid>>32 + 1) << 32
}

// nextZxid gives the next write its place in the total order. When the counter
// of the epoch is used up a new epoch begins.
func (r *replica) nextZxid() int64 {
	r.zxid++
	if uint32(r.zxid) == 0 {
		r.zxid++ // the count of an epoch starts at 1
	}
	return r.zxid
}

// apply carries out one command. One without data the leader refused: its client
// is cut off, since later ones may rely on it. A command that does not decode comes from
// no version of this program up to this one: to go on would be to diverge.
func (r *replica) apply(entry *ensemble.Command, ms int64, now time.Duration) {
	var from *conn // nil when the command is not of a connection that is still here
	if entry.Origin == r.origin {
		from = r.conns[uint32(entry.Seq>>32)]
	}
	if len(entry.Data) == 0 {
		if from != nil {
			r.doomed = append(r.doomed, doom{from, errUndecodable})
		}
		return
	}
	cmd, err := parseCommand(entry.Data)
	if err != nil {
		panic(fmt.Sprintf("command %d of %x: %v", entry.Seq, entry.Origin, err))
	}
	switch cmd.kind {
	case doRequest:
		r.applyRequest(&cmd, from, entry.Seq, ms, now)
	case doCreate:
		r.nextZxid()
		created := r.sessions.Create(cmd.session, cmd.timeout)
		if created && from != nil {
			r.opened(cmd.session, from.addr)
		}
		r.grant(from, cmd.session, created)
	case doAttach:
		if s, ok := r.sessions.Get(cmd.session); ok && !cmd.always && s.Attach != cmd.attach {
			from.tell(grant{session: s, missed: true})
			break
		}
		_, ok := r.sessions.Attach(cmd.session, cmd.timeout)
		r.grant(from, cmd.session, ok)
	case doSweep:
		a := r.begin()
		a.res = r.tree.Apply(tree.Txn{Zxid: a.zxid, Time: ms, Op: cmd.sweep})
		r.fire(a.res.Changes)
	case doExpire:
		a := r.begin()
		if s, ok := r.sessions.Get(cmd.session); ok && s.Attach == cmd.attach && (cmd.term == 0 || cmd.term == r.term) {
			r.closeSession(a, cmd.session, ms, nil)
			if entry.Origin == r.origin {
				r.expired = append(r.expired, cmd.session)
			}
		}
	case doKey:
		if !r.keyed {
			r.sessions = session.NewTable(cmd.secret)
			r.setKeyed()
		}
	}
}

func (r *replica) setKeyed() {
	if !r.keyed {
		r.keyed = true
		close(r.haveKey)
	}
}

// grant ends the handshake of from, and makes it the owner of the session in
// place of an earlier connection.
func (r *replica) grant(from *conn, id session.ID, ok bool) {
	s, _ := r.sessions.Get(id)
	if ok {
		r.live.add(id, s.Timeout)
		if old := r.owners[id]; old != nil && old != from {
			delete(r.owners, id)
			r.doomed = append(r.doomed, doom{old, errMoved})
		}
	}
	if from == nil {
		return
	}
	if ok {
		r.owners[id] = from
		from.owned = id
	}
	from.tell(grant{session: s, ok: ok})
}

// tell gives the answer to what the handshake of c asked, if c is there.
func (c *conn) tell(g grant) {
	if c == nil {
		return
	}
	select {
	case c.granted <- g:
	default: // a handshake asks again only when it has the answer
	}
}

// begin gives the next write its zxid. The result is good until the next begin.
func (r *replica) begin() *applied {
	r.now = applied{zxid: r.nextZxid()}
	return &r.now
}

func (r *replica) applyRequest(cmd *command, from *conn, seq uint64, ms int64, now time.Duration) {
	a := r.begin()
	a.body = wire.NewDecoder(cmd.request)
	var h wire.RequestHeader
	h.Decode(&a.body)

	s, ok := r.sessions.Get(cmd.session)
	switch {
	case !ok:
		a.code = wire.SessionExpired
	case s.Attach != cmd.attach:
		a.code = wire.SessionMoved
	case h.Op == wire.OpCloseSession:
		r.closeSession(a, cmd.session, ms, from)
	case h.Op == wire.OpReconfig:
		if !r.reconfigure(a, cmd, from, seq) {
			return
		}
	default:
		r.transact(a, opFor(h.Op), cmd, ms)
	}
	if from != nil {
		r.answer(from, seq, a, now)
		if a.res.OverQuota != "" {
			r.overQuota = append(r.overQuota, a.res.OverQuota)
		}
	}
}

// transact applies a write to the tree and sends the events.
func (r *replica) transact(a *applied, o *op, cmd *command, ms int64) {
	if o.txn == nil {
		a.code = wire.Unimplemented
		return
	}
	if a.txn, a.code = o.txn(&a.body, cmd.rules); a.code != wire.OK {
		return
	}
	a.res = r.tree.Apply(tree.Txn{
		Zxid:    a.zxid,
		Time:    ms,
		Session: int64(cmd.session),
		Auth:    r.identitySet(cmd.authSet),
		Rules:   cmd.rules,
		Op:      a.txn.op,
	})
	a.code = codeOf(a.res.Err)
	r.fire(a.res.Changes)
}

// closeSession ends a session, deletes its ephemeral znodes and tells who
// watched them. The connection that owns it is closed, unless it is the one
// that asked: that one closes itself after the reply.
func (r *replica) closeSession(a *applied, id session.ID, ms int64, asked *conn) {
	a.res = r.tree.Apply(tree.Txn{Zxid: a.zxid, Time: ms, Session: int64(id), Op: tree.CloseSession{}})
	r.sessions.Remove(id)
	r.live.remove(id)
	r.ended(id)
	r.fire(a.res.Changes)
	owner := r.owners[id]
	delete(r.owners, id)
	if owner != nil && owner != asked {
		r.doomed = append(r.doomed, doom{owner, errSessionOver})
	}
}

// maxIdentitySets bounds the memory of decoded identity sets.
const maxIdentitySets = 1024

// identitySet decodes the identities of a command. Most commands have the same
// few sets.
func (r *replica) identitySet(encoded []byte) []tree.ID {
	if ids, ok := r.identities[string(encoded)]; ok {
		return ids
	}
	ids, err := parseIdentities(encoded)
	if err != nil {
		panic(err) // see apply
	}
	if len(r.identities) >= maxIdentitySets {
		clear(r.identities)
	}
	r.identities[string(encoded)] = ids
	return ids
}
