package difftest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// clients bounds the numbers of clients in a stream.
const clients = 4

// A run is one stream sent to one server.
type run struct {
	answers

	server  Server
	step    int
	clients [clients]client
	met     []session     // all sessions of the run, oldest first
	closing [clients]bool // a session may have ended since the client was last answered
	lines   []Line
}

type client struct {
	conn    *conn // nil when there is none
	session session
}

type session struct {
	id       int64 // 0: none
	password []byte
}

// Run sends s to a server and returns all that it answered. Paths of
// the stream go below root, which is as long as [Root] and new to the server. It
// leaves nothing behind but znodes that nobody may delete.
func Run(server Server, root string, s Stream) ([]Line, error) {
	r := &run{server: server, answers: answers{root: root, sessions: map[int64]string{}}}
	k, err := openKeeper(r)
	if err != nil {
		return nil, err
	}
	defer k.conn.close()
	for i := range s.Steps {
		r.step = i
		if err := r.do(&s.Steps[i]); err != nil {
			return r.lines, err
		}
	}
	r.step = len(s.Steps)
	if err := r.finish(); err != nil {
		return r.lines, err
	}
	return r.lines, k.finish()
}

func (r *run) do(s *Step) error {
	switch c := &r.clients[s.Client]; s.Do {
	case Connect:
		return r.connect(s)
	case Drop:
		r.flush(s.Client)
		c.drop()
	case Expire:
		r.flush(s.Client)
		c.drop()
		return r.awaitExpiry(c.session.id)
	case Send:
		if c.conn != nil {
			r.send(s.Client, s.Requests)
		}
	}
	return nil
}

// awaitExpiry asks the server for its sessions until id is not one of them.
func (r *run) awaitExpiry(id int64) error {
	r.closing = [clients]bool{true, true, true, true}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		sessions, err := word(r.server.Addr, "dump")
		if err != nil {
			return err
		}
		if !strings.Contains(sessions, fmt.Sprintf("0x%x", uint64(id))) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("difftest: session %#x lives on:\n%s", id, sessions)
		}
	}
}

// connect opens a connection. Those that have the session already are read to
// where they stand before, so that no event is lost with them, and to their end
// after.
func (r *run) connect(s *Step) error {
	q, want := s.Connect, session{}
	q.SessionID, q.Password = 0, make([]byte, 16)
	if q.LastZxidSeen > 0 {
		q.LastZxidSeen += r.base
	}
	switch s.Attach {
	case KnownSession, WrongPassword:
		want = r.clients[s.Of].session
		q.SessionID, q.Password = want.id, want.password
		if s.Attach == WrongPassword {
			q.Password = []byte("not the password")
		}
	case NoSuchSession:
		q.SessionID = 0x7fff_0000_0000_0001
	}
	r.flush(s.Client)
	var cut []int
	for i := range r.clients {
		if c := &r.clients[i]; i != s.Client && c.conn != nil && want.id != 0 && c.session.id == want.id {
			r.flush(i)
			if s.Attach == WrongPassword { // see Differences
				c.drop()
				continue
			}
			cut = append(cut, i)
		}
	}
	c := &r.clients[s.Client]
	old := c.conn
	if old != nil && (s.Attach != KnownSession || want.id == 0 || c.session.id != want.id) {
		old.close()
		old = nil
	}
	nc, err := r.server.dial(s.As)
	if err != nil {
		return err
	}
	c.conn = nc
	if !r.greet(s, &q) { // the session was not even looked at: who has it keeps it
		c.conn = old
		return nil
	}
	if old != nil {
		r.readToEnd(s.Client, old)
	}
	for _, i := range cut {
		r.readToEnd(i, r.clients[i].conn)
		r.clients[i].conn = nil
	}
	return nil
}

// greet shakes hands on the client's new connection. It is false when the server has
// closed that without an answer.
func (r *run) greet(s *Step, q *wire.ConnectRequest) bool {
	c := &r.clients[s.Client]
	a, rest, ok := c.conn.handshake(q, s.Junk)
	if !ok {
		r.add(s.Client, wire.OpCreateSession, 0, "no handshake, "+c.conn.ended)
		c.drop()
		return false
	}
	if a.SessionID != 0 {
		if _, known := r.sessions[a.SessionID]; !known {
			r.sessions[a.SessionID] = fmt.Sprintf("s%d", len(r.sessions))
			r.met = append(r.met, session{a.SessionID, a.Password})
		}
		c.session = session{a.SessionID, a.Password}
	}
	r.add(s.Client, wire.OpCreateSession, 0, fmt.Sprintf("handshake protocol %d timeout %d session %s password of %d bytes, read-only %v %v, then %x",
		a.ProtocolVersion, a.TimeoutMillis, r.session(a.SessionID), len(a.Password), a.HasReadOnly, a.ReadOnly, rest))
	if a.SessionID == 0 {
		r.readToEnd(s.Client, c.conn)
		c.conn = nil
	}
	return true
}

// send writes the requests at once and reads until all are answered or the
// connection ends.
func (r *run) send(n int, requests []Request) {
	c := &r.clients[n]
	var b []byte
	for i := range requests {
		b = append(b, requests[i].frame(r.root, r.base)...)
		if requests[i].Op == wire.OpCloseSession {
			r.closing = [clients]bool{true, true, true, true}
		}
	}
	c.conn.write(b)
	for i := 0; i < len(requests); {
		f, ok := c.conn.read()
		if !ok {
			r.add(n, wire.OpNotification, 0, c.conn.ended+" in place of an answer to "+requests[i].Op.String())
			c.drop()
			return
		}
		if r.frame(n, &requests[i], f) {
			i++
		}
	}
	if last := r.lines[len(r.lines)-1]; last.Op == wire.OpAuth && last.Code != wire.OK {
		r.readToEnd(n, c.conn)
		c.conn = nil
		return
	}
	for i := range requests {
		if requests[i].ends() {
			r.readToEnd(n, c.conn)
			c.conn = nil
			return
		}
	}
}

// ends reports whether a server closes the connection after its answer to q.
func (q *Request) ends() bool {
	return q.Op == wire.OpCloseSession || wire.NewRequest(q.Op) == nil
}

// frame records what client n was told, and reports whether it was a reply.
func (r *run) frame(n int, q *Request, f []byte) bool {
	d := wire.NewDecoder(f)
	var h wire.ReplyHeader
	h.Decode(&d)
	if h.Xid == wire.XidWatch {
		r.add(n, wire.OpNotification, h.Err, r.event(h, &d))
		r.lines[len(r.lines)-1].isEvent = true
		return false
	}
	if r.closing[n] {
		r.sortEvents(n)
	}
	r.closing[n] = false
	// The request as it was sent, for its path.
	sent := Request{Xid: q.Xid, Op: q.Op, Body: q.frame(r.root, r.base)[12:]}
	r.add(n, q.Op, h.Err, fmt.Sprintf("%v %s", q.Op, r.reply(&sent, h, &d)))
	return true
}

// sortEvents sorts the events that client n has just been told. The ephemerals of a
// session go in one write, and the reference tells of them in the order of a hash table.
func (r *run) sortEvents(n int) {
	from := len(r.lines)
	for from > 0 && r.lines[from-1].Client == n && r.lines[from-1].Step == r.step && r.lines[from-1].isEvent {
		from--
	}
	slices.SortFunc(r.lines[from:], func(a, b Line) int { return cmp.Compare(a.Text, b.Text) })
}

func (r *run) add(n int, op wire.Op, code wire.Code, text string) {
	if op == wire.OpCheckWatches && code == wire.NoWatcher {
		code = wire.OK
	}
	r.lines = append(r.lines, Line{Step: r.step, Client: n, Op: op, Code: code, Text: text})
}

var ping = []Request{{Xid: wire.XidPing, Op: wire.OpPing}}

// flush reads what client n was told so far.
func (r *run) flush(n int) {
	if r.clients[n].conn != nil {
		r.send(n, ping)
	}
}

// readToEnd reads what comes on a connection that the server should close.
func (r *run) readToEnd(n int, c *conn) {
	for {
		f, ok := c.read()
		if !ok {
			break
		}
		r.frame(n, &Request{Op: wire.OpError}, f)
	}
	r.add(n, wire.OpNotification, 0, c.ended)
	c.close()
}

func (c *client) drop() {
	if c.conn != nil {
		c.conn.close()
	}
	c.conn = nil
}

// finish reads what all clients were told and closes all sessions, each on a
// connection of its own.
func (r *run) finish() error {
	for i := range r.clients {
		r.flush(i)
	}
	for i := range r.clients {
		r.clients[i].drop()
	}
	for _, s := range r.met {
		r.clients[0].session = s
		if err := r.connect(&Step{Attach: KnownSession, Connect: wire.ConnectRequest{TimeoutMillis: 60_000}}); err != nil {
			return err
		}
		if r.clients[0].conn != nil {
			r.send(0, []Request{{Xid: 1, Op: wire.OpCloseSession}})
		}
	}
	return nil
}
