package zkserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/certs"
	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wal"
)

// A Server is one member of the coordination service.
type Server struct {
	cfg       Config
	log       zerolog.Logger
	noisy     zerolog.Logger // for what clients can cause at will; each purpose has its own
	clients   zerolog.Logger // for what one client does
	expiries  zerolog.Logger // for sessions that expire
	listener  net.Listener
	collector *collector // nil if it is not ours to set
	node      *ensemble.Node
	writes    proposer // node; a test may put something else there
	member    member   // as well
	replica   *replica
	admission *admission
	syncs     *syncs
	start     time.Time     // zero of the clock
	held      atomic.Int64  // bytes of all requests not answered yet
	output    atomic.Int64  // bytes that wait for clients, more or less
	input     input         // room for large requests
	tight     bool          // output was above Config.MaxOutput; owned by upkeepLoop
	confirmed bool          // slowly, that this member leads; owned by expireLoop
	reporter  reporter      // owned by standLoop
	reports   reports       // of other members, to this one as leader
	standing  atomic.Int32  // a standing
	parted    chan struct{} // closed when the last connection is, of a server that stops
	nodeEnded chan struct{} // closed when nothing is applied any more
	contact   time.Time     // with the leader, when last; owned by standLoop
	rules     tree.Rules    // of the commands this member makes
	confirms  bool          // reads as well as syncs

	// What operators are told, see words.go and tls.go.
	stats       stats
	words       words
	recovering  atomic.Bool
	certs       *certs.Reloader // nil without TLS
	tlsListener net.Listener    // nil for none
	peers       net.Listener    // for the other members; nil for none
	sites       []site
	adminAddr   net.Addr // nil for none
	metricsAddr net.Addr // nil for none
}

// A proposer takes commands, in the order of the calls for each caller, and has
// them applied in that order or not at all. It keeps data. It blocks while it
// has too much to do. With ensemble.ErrDiskFull the command was not taken;
// there is some room left then for those that are Reserved: commands about
// sessions.
type proposer interface {
	Offer(ctx context.Context, p ensemble.Proposal) error
}

// A member is one of an ensemble, which may be its only one: see ensemble.Node.
type member interface {
	Role() ensemble.Role
	RoleChanged() <-chan struct{}
	Tell(b []byte) *ensemble.Telling
	Heard() time.Time
	DiskHangs() time.Duration
	ReadIndex(ctx context.Context) error
}

// Open takes the data directory and the port and recovers the state. No client
// is served before [Server.Run]. The error says in one line what is wrong: a
// directory in use or damaged, an address in use. A Server that is never run
// must be closed.
func Open(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg = cfg.withinFiles(fileLimit())
	if !cfg.OwnProcess {
		return open(cfg, nil)
	}
	c := pauseCollector()
	s, err := open(cfg, c)
	if err != nil {
		c.stop()
		return nil, err
	}
	c.start()
	return s, nil
}

func open(cfg Config, c *collector) (*Server, error) {
	l, err := listen(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{
		collector: c,
		cfg:       cfg,
		log:       cfg.Log,
		noisy:     inBursts(cfg.Log),
		clients:   inBursts(cfg.Log),
		expiries:  inBursts(cfg.Log),
		listener:  l,
		admission: newAdmission(cfg.MaxConns, cfg.MaxConnsPerAddr),
		syncs:     newSyncs(),
		start:     time.Now(),
		words:     newWords(cfg.Words),
		input:     newInput(cfg.MaxInput),
		rules:     cfg.rules(),
		confirms:  cfg.LinearizableReads && !cfg.Ensemble.alone(),
		parted:    make(chan struct{}),
		nodeEnded: make(chan struct{}),
	}
	s.recovering.Store(true)
	s.replica = newReplica(cfg.MaxWatchesPerConn, &s.held, s.clock)
	if err := s.openDoors(); err != nil {
		s.closeDoors()
		return nil, err
	}
	transport, err := s.openPeers()
	if err != nil {
		s.closeDoors()
		return nil, err
	}
	disk := timedFS{FS: cmp.Or(cfg.FS, wal.OS), stats: &s.stats, slow: cfg.SlowSync, log: s.noisy}
	s.replica.allWatches = cfg.MaxWatches
	s.replica.quotaLog = inBursts(cfg.Log)
	s.replica.onExpiry = s.expiredHere
	s.node, err = ensemble.Open(ensemble.Config{
		Dir:             cfg.Dir,
		Machine:         timedMachine{s.replica, &s.stats, &s.recovering},
		Members:         cfg.Ensemble.list(),
		Number:          cfg.Ensemble.Number,
		Join:            cfg.Ensemble.Join,
		Transport:       transport,
		Hear:            s.hear,
		GuestAt:         s.cfg.Ensemble.mayAnswer,
		Check:           decodable,
		Version:         cmp.Or(cfg.speaks, version),
		Log:             cfg.Log,
		SegmentBytes:    cfg.SegmentBytes,
		SnapshotBytes:   cfg.SnapshotBytes,
		SnapshotEntries: cfg.SnapshotEntries,
		MaxCommandBytes: int64(cfg.MaxFrame + commandRoom),
		FS:              disk,
	})
	if err != nil {
		s.closeDoors()
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	s.writes, s.member = s.node, s.node
	s.replica.origin, s.replica.origins = s.node.Origin(), s.node.Origin
	return s, nil
}

// inBursts gives a logger that lets a few lines a second through. What one of
// them drops no other does: nobody can hide a fact behind lines of another kind.
func inBursts(l zerolog.Logger) zerolog.Logger {
	return l.Sample(&zerolog.BurstSampler{Burst: 10, Period: time.Second})
}

// Close releases the port and the data directory. Run does it by itself.
func (s *Server) Close() error {
	s.collector.stop()
	return errors.Join(s.closeDoors(), s.node.Close())
}

// Addr is where the server listens; with TLS.Only, where it does so for TLS.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return s.tlsListener.Addr()
	}
	return s.listener.Addr()
}

// Run serves clients until ctx ends, and then returns nil, or until the disk
// fails, be it while it ends. It returns when everything it started has ended and
// the port and the data directory are released. Sessions live on: their clients
// may come back to the next Server on the same directory.
//
//	node    applies what is committed             ensemble.Node.Run
//	sites   answer operators over HTTP            operators.go
//	accept  two goroutines per connection         listen.go, conn.go; with other
//	        members at once, to answer words and send clients elsewhere
//	stand   hears the leader, or sends clients    standing.go, report.go
//	        away; reports who was heard from
//	expire  closes sessions of silent clients     expiry.go
//	role    measures how long there is no leader  operators_members.go
//	upkeep  cuts off clients who take nothing     pressure.go
//	sweep   removes containers and TTL znodes     sweep.go
//	syncs   asks the leader for syncs, or reads   sync.go
//	control answers the programs of this user     control.go
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return s.runNode(running) })
	g.Go(func() error { return s.serveSites(running) })
	early := !s.cfg.Ensemble.alone() // it may be long before there is a quorum
	if early {
		g.Go(func() error { return s.watchRole(running) })
		g.Go(func() error { return s.acceptLoop(running) })
		g.Go(func() error { return s.standLoop(running) })
		g.Go(func() error { return s.serveControl(running) })
	}
	g.Go(func() error {
		if err := s.prepare(running); err != nil {
			return whyStopped(running, err)
		}
		s.compareMembers()
		s.recovering.Store(false)
		s.log.Info().Stringer("addr", s.Addr()).Msg("serving clients")
		g.Go(func() error { return whyStopped(running, s.expireLoop(running)) })
		g.Go(func() error { return s.upkeepLoop(running) })
		g.Go(func() error { return s.sweepLoop(running) })
		g.Go(func() error { return s.runSyncs(running) })
		if early {
			return nil
		}
		g.Go(func() error { return s.serveControl(running) })
		return s.acceptLoop(running)
	})
	if err := g.Wait(); err != nil && (ctx.Err() == nil || errors.Is(err, ensemble.ErrDisk) || errors.Is(err, ensemble.ErrHangs)) {
		return fmt.Errorf("zkserver: %w", err)
	}
	return nil
}

// whyStopped gives what ended the node for the error of who only found that it has
// ended. ctx ends with that, and is waited for.
func whyStopped(ctx context.Context, err error) error {
	if !errors.Is(err, ensemble.ErrStopped) {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// farewellTime bounds the snapshot at the end.
const farewellTime = 5 * time.Second

// runNode runs the node until ctx ends, and a little longer: a snapshot at the
// end makes the next start short. Without it nothing is lost, so that it is no
// error if it does not come about.
func (s *Server) runNode(ctx context.Context) error {
	longer, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer close(s.nodeEnded)
	defer context.AfterFunc(ctx, func() {
		limit, cancel := context.WithTimeout(longer, farewellTime)
		defer cancel()
		if !s.cfg.Ensemble.alone() {
			s.handOver(limit)
		}
		s.awaitParted(limit)
		if err := s.node.Settle(limit); err != nil {
			s.log.Debug().Err(err).Msg("no snapshot at the end")
		}
		end(context.Cause(ctx))
	})()
	return s.node.Run(longer)
}

// awaitParted returns when the clients have what they asked for, or it takes too
// long: see conn.part.
func (s *Server) awaitParted(ctx context.Context) {
	if s.recovering.Load() {
		return // there are none
	}
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	select {
	case <-s.parted:
	case <-ctx.Done():
	}
}

// runSyncs answers syncs as long as there are clients.
func (s *Server) runSyncs(ctx context.Context) error {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-s.parted:
		case <-s.nodeEnded:
		}
		cancel()
	})()
	err := s.syncs.run(longer, s.confirm)
	if errors.Is(err, ensemble.ErrStopped) {
		return nil // the node says why
	}
	return err
}

// handOverTime bounds the wait for another member to take the lead.
const handOverTime = time.Second

// handOver gives the lead to another member, so that clients of the others need
// not wait for an election.
func (s *Server) handOver(ctx context.Context) {
	if !s.node.Role().Leading {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	if err := s.node.HandOver(ctx); err != nil {
		s.log.Warn().Err(err).Msg("lead not handed over, the others will elect")
	}
}

// prepare returns when the state is complete: all that was acknowledged before
// the last stop is applied, and session passwords have their secret.
func (s *Server) prepare(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.node.Ready():
	}
	key := make([]byte, 32)
	rand.Read(key)
	propose := command{kind: doKey, secret: key} // the first one counts
	if !s.replica.hasKey() {
		if err := s.writes.Offer(ctx, ensemble.Proposal{Data: propose.append(nil), Reserved: true}); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.replica.haveKey:
		return nil
	}
}

// clock is the time since the server was opened. It never falls.
func (s *Server) clock() time.Duration { return time.Since(s.start) }

// clockAt is the inverse of clock.
func (s *Server) clockAt(d time.Duration) time.Time { return s.start.Add(d) }

// ended returns err, or nil when it only says that ctx ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
