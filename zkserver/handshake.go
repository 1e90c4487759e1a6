package zkserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mwqueue/mw/zkserver/admin"
	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/wire"
)

// These errors end a connection before it has a session.
var (
	errWordSaid        = errors.New("zkserver: four-letter word answered")
	errNotServing      = errors.New("zkserver: there is no quorum, or the state is not read yet")
	errBadCertificate  = errors.New("zkserver: the certificate names nobody")
	errAhead           = errors.New("zkserver: client has seen writes that are not here")
	errSessionRefused  = errors.New("zkserver: no such session, or wrong password")
	errTooManySessions = errors.New("zkserver: too many sessions")
)

// passwordSize is the size of a session's password on the wire.
const passwordSize = 16

// shakeHands reads the first frame and gives the connection its session: a new
// one, or the one the client had. An error ends the connection; what the client
// is told of it, if anything, has been sent.
func (c *conn) shakeHands(ctx context.Context) error {
	if err := c.nc.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	first, err := c.br.Peek(4)
	if err != nil {
		return fmt.Errorf("zkserver: handshake: %w", err)
	}
	if admin.IsWord(string(first)) {
		c.sayWord(string(first))
		return errWordSaid
	}
	if !c.srv.serves() && !c.srv.isReadOnly() {
		return errNotServing
	}
	if !c.identify() {
		return errBadCertificate
	}
	frame, err := wire.ReadFrame(c.br, nil, maxHandshake)
	if err != nil {
		return fmt.Errorf("zkserver: handshake: %w", err)
	}
	var q wire.ConnectRequest
	if err := wire.Decode(frame, &q); err != nil {
		return fmt.Errorf("zkserver: handshake: %w", err)
	}
	c.srv.stats.connects.Add(1)
	c.received.Add(1)
	c.bytesIn.Add(int64(len(frame)) + 4)
	if c.srv.isReadOnly() {
		return c.joinReadOnly(&q)
	}
	if err := c.catchUp(ctx, q.LastZxidSeen); err != nil {
		return err
	}
	if q.SessionID == 0 {
		return c.newSession(ctx, &q)
	}
	return c.reattach(ctx, &q)
}

// catchUp returns when this member has all that the client has seen on another
// one. What it saw was committed, so that after a ReadIndex it is here; if it is
// not it was never part of this state. Apache ZooKeeper refuses at once.
func (c *conn) catchUp(ctx context.Context, seen int64) error {
	if seen <= c.srv.replica.lastZxid() {
		return nil
	}
	limit, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if err := c.srv.member.ReadIndex(limit); err != nil || seen > c.srv.replica.lastZxid() {
		return errAhead
	}
	return nil
}

// newSession creates a session and answers the client.
func (c *conn) newSession(ctx context.Context, q *wire.ConnectRequest) error {
	all, here := c.srv.replica.sessionCount(c.addr)
	if all >= c.srv.cfg.MaxSessions || here >= c.srv.cfg.MaxSessionsPerAddr {
		c.log.Warn().Msg("too many sessions, connection refused")
		return errTooManySessions
	}
	for {
		id := c.srv.newSessionID()
		g, err := c.request(ctx, command{kind: doCreate, session: id, timeout: c.srv.negotiate(q.TimeoutMillis)})
		if err != nil {
			return err
		}
		if g.ok {
			return c.welcome(q, g.session)
		}
	}
}

// newSessionID returns an id that cannot be guessed. As in Apache ZooKeeper the
// high byte is the number of the member that made it; a server alone is 1.
func (s *Server) newSessionID() session.ID {
	var b [8]byte
	rand.Read(b[1:])
	b[0] = 1
	if !s.cfg.Ensemble.alone() {
		b[0] = byte(s.cfg.Ensemble.Number)
	}
	return session.ID(binary.BigEndian.Uint64(b[:]))
}

// reattach gives the connection the session that the client names and can prove
// to own. Apache ZooKeeper cuts the owner's connection off before it looks at
// the password; here a stranger with a wrong one does no harm.
func (c *conn) reattach(ctx context.Context, q *wire.ConnectRequest) error {
	id := session.ID(q.SessionID)
	if !hmac.Equal(c.srv.replica.password(id), q.Password) {
		return c.refuse(q)
	}
	known, _ := c.srv.replica.session(id) // it may be known elsewhere, and not yet here
	attach := command{kind: doAttach, session: id, timeout: c.srv.negotiate(q.TimeoutMillis), attach: known.Attach}
	for {
		switch g, err := c.request(ctx, attach); {
		case err != nil:
			return err
		case g.ok:
			return c.welcome(q, g.session)
		case !g.missed:
			return c.refuse(q)
		case c.hungUp():
			return errClientGone
		default:
			attach.attach = g.session.Attach
		}
	}
}

// hungUp reports whether the client has closed the connection. An attach that was
// held up while this member was cut off must not take the session from the member
// that the client has found meanwhile.
func (c *conn) hungUp() bool {
	if c.nc.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return true
	}
	_, err := c.br.Peek(1)
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// request proposes a command about the connection's session and waits for what
// comes of it.
func (c *conn) request(ctx context.Context, cmd command) (grant, error) {
	p := ensemble.Proposal{Origin: c.origin, Seq: uint64(c.number) << 32, Data: cmd.append(nil), Reserved: true}
	if err := c.srv.writes.Offer(ctx, p); err != nil {
		return grant{}, fmt.Errorf("zkserver: propose: %w", err)
	}
	select {
	case g := <-c.granted:
		return g, nil
	case <-c.done:
		return grant{}, c.cause
	}
}

// negotiate returns the session timeout for what a client asks for.
func (s *Server) negotiate(millis int32) time.Duration {
	wanted := time.Duration(millis) * time.Millisecond
	return min(max(wanted, s.cfg.MinSessionTimeout), s.cfg.MaxSessionTimeout)
}

// welcome makes the session the connection's and tells the client.
func (c *conn) welcome(q *wire.ConnectRequest, s session.Session) error {
	if !c.readOnly.Load() { // else they are set
		c.session, c.attach, c.timeout = s.ID, s.Attach, s.Timeout
	}
	c.heard.Store(int64(c.srv.clock()))
	err := c.sendResponse(&wire.ConnectResponse{
		TimeoutMillis: int32(s.Timeout.Milliseconds()),
		SessionID:     int64(s.ID),
		Password:      c.srv.replica.password(s.ID),
		HasReadOnly:   q.HasReadOnly,
		ReadOnly:      c.readOnly.Load(),
	})
	if err != nil {
		return err
	}
	return c.nc.SetDeadline(time.Time{})
}

// refuse tells the client that its session is gone for good.
func (c *conn) refuse(q *wire.ConnectRequest) error {
	err := c.sendResponse(&wire.ConnectResponse{
		Password:    make([]byte, passwordSize),
		HasReadOnly: q.HasReadOnly,
	})
	if err != nil {
		return err
	}
	return errSessionRefused
}

func (c *conn) sendResponse(r *wire.ConnectResponse) error {
	b, start := wire.BeginFrame(nil)
	b = wire.EndFrame(r.Append(b), start)
	// The log may have taken its time.
	if err := c.nc.SetWriteDeadline(time.Now().Add(handshakeTime)); err != nil {
		return fmt.Errorf("zkserver: handshake: %w", err)
	}
	if _, err := c.nc.Write(b); err != nil {
		return fmt.Errorf("zkserver: handshake: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent++
	c.tally.bytesOut += int64(len(b))
	return nil
}
