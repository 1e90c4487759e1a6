package coordinator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/rs/zerolog"
)

const (
	maxDialTime = 2 * time.Second
	minPatience = 300 * time.Millisecond // with a server that has not greeted us
	minRedial   = 20 * time.Millisecond
	maxRedial   = 250 * time.Millisecond
	parkTime    = 2 * time.Millisecond
)

// errSessionOver is what the dialer tells the library of a session that ended.
var errSessionOver = errors.New("session is over")

// dialer is how one session's library connection reaches the servers, and the
// switch that cuts it off for ever. On expiry the library would quietly open a
// new session on the same Conn and send there what was queued for the old one.
//
// It is the library's HostProvider, too: the library's own looks names up only
// once and sleeps a whole second after each round of servers, failing whatever
// is queued.
type dialer struct {
	timeout     time.Duration // of the session, as asked for
	log         zerolog.Logger
	dialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	greeted     func(handshake)

	ctx  context.Context // ends with the session; what dials and waits heed
	stop context.CancelFunc

	parking chan struct{} // closed by park: the library is in its last dial
	closing chan struct{} // closed by close, just before it closes the library

	mu       sync.Mutex // protects the fields below
	servers  []string   // shuffled
	next     int
	failed   int       // dials since the last good connection
	good     time.Time // when the last handshake was complete; zero after a dial
	current  *guard    // closed or not; the only one that may be open; may be nil
	watching bool      // the library has at least one watch to renew
	parked   bool      // the library is closed and out of its last dial
	lastErr  error     // of the last dial or handshake that failed
}

// newDialer makes a dialer for one session. greeted is told of each handshake.
func newDialer(cfg Config, greeted func(handshake)) *dialer {
	d := &dialer{
		timeout:     cfg.SessionTimeout,
		log:         cfg.Log,
		dialContext: cfg.Dial,
		greeted:     greeted,
		servers:     append([]string(nil), cfg.Servers...),
		parking:     make(chan struct{}),
		closing:     make(chan struct{}),
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	rand.Shuffle(len(d.servers), func(i, j int) { d.servers[i], d.servers[j] = d.servers[j], d.servers[i] })
	return d
}

// Init is part of zk.HostProvider. The dialer has the servers already.
func (d *dialer) Init([]string) error { return nil }

// Len is part of zk.HostProvider.
func (d *dialer) Len() int { return len(d.servers) }

// Next is part of zk.HostProvider. Its second result makes the library fail
// what is queued and look whether it was closed: right when the session is
// over, and never before. See park.
func (d *dialer) Next() (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	server := d.servers[d.next%len(d.servers)]
	d.next++
	return server, d.parked
}

// Connected is part of zk.HostProvider: the handshake is complete.
func (d *dialer) Connected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.good = time.Now()
}

// dial is the library's zk.Dialer. The library calls it from one goroutine.
func (d *dialer) dial(network, addr string, _ time.Duration) (net.Conn, error) {
	if err := d.pause(); err != nil {
		d.park()
		return nil, err
	}
	patience := d.patience()
	ctx, cancel := context.WithTimeout(d.ctx, min(d.timeout/4, maxDialTime, patience))
	defer cancel()
	conn, err := d.dialContext(ctx, network, addr)
	return d.dialed(addr, conn, patience, err)
}

// patience is how long the server that is being dialed may take to greet us. Where
// there are others it is short at first: one that hangs has to be left while there is
// time for the next, for its predecessor was left after 0.42 of the session timeout
// (see lease.silent) and at 0.6 of it the session is over. All of them may be slow, in
// an election or under load; so it doubles after each round of servers that failed.
func (d *dialer) patience() time.Duration {
	longest := longestWait(d.timeout)
	if len(d.servers) == 1 {
		return longest
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	round := max(0, d.failed-1) / len(d.servers)
	return min(max(d.timeout/8, minPatience)<<min(round, 10), longest)
}

// pause waits before a dial, longer after each round of servers that failed.
// The first dial after a connection that lasted does not wait.
func (d *dialer) pause() error {
	d.mu.Lock()
	if !d.good.IsZero() && time.Since(d.good) > d.timeout/6 {
		d.failed = 0
	}
	d.good = time.Time{}
	round := d.failed / len(d.servers)
	begins := d.failed%len(d.servers) == 0
	d.failed++
	lastErr := d.lastErr
	d.mu.Unlock()

	if d.killed() {
		return errSessionOver
	}
	if round == 0 || !begins {
		return nil
	}
	if round == 1 {
		d.log.Warn().Err(lastErr).Msg("no server reached, trying on")
	}
	wait := time.NewTimer(jitter(min(minRedial<<min(round-1, 10), maxRedial)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-d.ctx.Done():
		return errSessionOver
	}
}

// park holds the library in its first dial after the end until it is being
// closed. Closing queues a request that nobody will send, and waits for it a whole
// second: but when the library comes out of the dial then, it fails what is
// queued.
func (d *dialer) park() {
	if isClosed(d.parking) {
		return
	}
	close(d.parking)
	<-d.closing
	time.Sleep(parkTime)
	d.mu.Lock()
	d.parked = true
	d.mu.Unlock()
}

// close closes the library's Conn, which asks the server to end the session
// unless the dialer was killed. It is called once, and takes two seconds at most.
func (d *dialer) close(conn *zk.Conn) {
	if d.killed() {
		limit := time.NewTimer(closeTime)
		defer limit.Stop()
		select {
		case <-d.parking:
		case <-limit.C: // whoever dials does not heed his context
		}
	} else {
		limit := time.AfterFunc(closeTime, d.kill)
		defer limit.Stop()
	}
	close(d.closing)
	conn.Close()
}

// dialed keeps the outcome of a dial and guards the connection.
func (d *dialer) dialed(addr string, conn net.Conn, patience time.Duration, err error) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		_ = d.current.Close() // the library leaves it open after an expiry
		d.current = nil
	}
	if err != nil {
		d.lastErr = err
		d.log.Debug().Str("addr", addr).Err(err).Msg("server not reached")
		return nil, err
	}
	if d.killed() {
		_ = conn.Close()
		return nil, errSessionOver
	}
	d.current = newGuard(conn, patience, d.watching, func(h handshake, err error) { d.shaken(addr, h, err) })
	return d.current, nil
}

// shaken is told how the handshake with the server at addr ended.
func (d *dialer) shaken(addr string, h handshake, err error) {
	if err == nil {
		d.greeted(h)
		return
	}
	d.mu.Lock()
	d.lastErr = fmt.Errorf("%s: %w", addr, err)
	d.mu.Unlock()
	d.log.Debug().Str("addr", addr).Err(err).Msg("handshake refused")
}

// renews tells the dialer whether the library certainly has a watch to renew
// after a reconnect.
func (d *dialer) renews(certainly bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watching = certainly
}

// cut closes the connection, so that the library goes on to the next server.
func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		_ = d.current.Close()
	}
}

// intact says whether the library left its connection of its own accord, which
// it does when the server has answered that the session is closed.
func (d *dialer) intact() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current != nil && !d.current.broken.Load()
}

// kill ends everything: nothing more is sent, nothing is dialed.
func (d *dialer) kill() {
	d.stop()
	d.cut()
}

// killed says whether kill was called.
func (d *dialer) killed() bool { return d.ctx.Err() != nil }

// err says why no server was reached.
func (d *dialer) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lastErr
}
