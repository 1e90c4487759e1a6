package zkserver

import (
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wal"
	"github.com/mwqueue/mw/zkserver/wire"
)

// Config says how to run a Server. The zero value of a field means its default.
type Config struct {
	// Listen is the TCP address for clients. Port 0 takes a free one; see
	// [Server.Addr]. Default: 127.0.0.1:2181.
	Listen string

	// Listener is used in place of Listen when it is not nil. The Server
	// closes it.
	Listener net.Listener

	// Dir is the data directory. It is created when it is not there; only
	// one server at a time may use it. Must be set.
	Dir string

	// Ensemble says with which other servers to keep the state. Default: with
	// none.
	Ensemble Ensemble

	// Tick is the unit of session time. Default: 500ms.
	Tick time.Duration

	// MinSessionTimeout and MaxSessionTimeout bound what a client may ask
	// for; a timeout outside is moved to the nearer bound. A session whose
	// client is silent for its timeout is closed within 100 ms after.
	// Default: 2 ticks; 20 ticks or 60s, whichever is longer.
	MinSessionTimeout time.Duration
	MaxSessionTimeout time.Duration

	// MaxConns and MaxConnsPerAddr bound open connections, in all and from
	// one IP address. A connection above is closed without a word. Both are
	// lowered, with a warning, when the process may not have as many files open.
	// Default: 10,000; half of MaxConns.
	MaxConns        int
	MaxConnsPerAddr int

	// MaxSessions and MaxSessionsPerAddr bound sessions that live at the same
	// time, with or without a connection, in all and of those that one IP address
	// has opened since this process started. Default: 100,000; half of
	// MaxSessions, or 1,000 if that is more.
	MaxSessions        int
	MaxSessionsPerAddr int

	// MaxOutput bounds the bytes that wait for clients to take them, of all
	// connections together. Above it clients are served less at a time, and those
	// who take nothing are cut off; at twice as much nobody is served until some is
	// taken. Default: 256 MiB.
	MaxOutput int64

	// MaxInput bounds the bytes of requests of more than 16 KiB that are being
	// received, of all connections together; a write counts until the log has
	// taken it, and takes twice its size. At the bound the next is not read, and
	// clients who take more than a second over theirs are cut off. Default:
	// 128 MiB.
	MaxInput int64

	// MaxFrame is the largest request, in bytes; a larger one ends its
	// connection. It must be the same on all members, and 64 MiB at most; above
	// 4 MiB the log's segments grow with it. Default: 1 MiB - 1, as in Apache
	// ZooKeeper.
	MaxFrame int

	// MaxWatchesPerConn bounds the watches of one connection; a request for
	// one more is answered OperationTimeout, or ends the connection if it is a
	// setWatches. Default: 100,000.
	MaxWatchesPerConn int

	// MaxWatches bounds the watches of all connections together, in the same
	// way. Default: 5,000,000.
	MaxWatches int

	// SweepInterval is how often the server looks for containers that have no
	// more children and for TTL znodes whose time has passed; SweepPerMinute is
	// how many it removes in a minute at most; and UnusedContainers is how long a
	// container may wait for its first child. Default: 60s; 10,000; for ever.
	SweepInterval    time.Duration
	SweepPerMinute   int
	UnusedContainers time.Duration

	// EnforceQuotas refuses writes above a hard quota, and logs those above a
	// soft one. Without it quotas are counted and no more. As in Apache ZooKeeper the default is false.
	EnforceQuotas bool

	// NoTTL refuses to create znodes with a time to live. Apache ZooKeeper
	// does so unless its extendedTypesEnabled is set.
	NoTTL bool

	// SuperDigest, "user:base64(SHA-1(user:password))", names who may do
	// everything once they have shown the password by auth. Default: nobody.
	SuperDigest string

	// X509 makes ACLs of the scheme x509 valid. With it a client's certificate
	// gives its connection the identity {x509, subject}, the subject as in RFC
	// 2253, if the connection is a TLS one; and SuperX509 is the subject that may
	// do everything. Default: no; nobody.
	X509      bool
	SuperX509 string

	// ReconfigEnabled says how reconfig is refused: with it, as by a server
	// that stands alone, and without it as by one that does not know of it.
	ReconfigEnabled bool

	// ReadOnlyMode serves clients that are content with old state while this
	// member of an ensemble hears no leader: ZooKeeper's readonlymode.enabled.
	// Default: they are sent away, as all others are.
	ReadOnlyMode bool

	// LinearizableReads has this member of an ensemble answer a read as it does a
	// sync: with all that was acknowledged anywhere before it was sent, and only
	// when the leader knows that the client lives. That takes a round trip to the
	// other members, which all reads share that wait at the same time. Reads of
	// clients in read-only mode, which have asked for old state, are answered at
	// once, and so are those of a server that stands alone, which has no other
	// state. Default: reads show what the member has, which may be older than what
	// another one has acknowledged, as in Apache ZooKeeper.
	LinearizableReads bool

	// TLS says how clients are served over TLS. Default: they are not.
	TLS TLS

	// Words are the four-letter words that are answered; "*" stands for all.
	// Default: srvr, as in Apache ZooKeeper.
	Words []string

	// Operators says what is told over HTTP. Default: nothing.
	Operators Operators

	// File is the text of the zoo.cfg that this comes from, to be shown to
	// operators as it is: see Mask of package zoocfg. Default: "".
	File string

	// SlowSync is how long the disk may take to sync a file without a
	// warning. Default: 1s.
	SlowSync time.Duration

	// SegmentBytes, SnapshotBytes and SnapshotEntries are the size of a log
	// segment and how much log is written between snapshots. A segment has room
	// for one request of MaxFrame at least. FS is what the log writes to. The
	// defaults are package ensemble's.
	SegmentBytes    int64
	SnapshotBytes   int64
	SnapshotEntries int64
	FS              wal.FS

	// OwnProcess says that the process is there for this server alone, which
	// then sets the garbage collector by the size of the tree.
	OwnProcess bool

	// Control lets programs of the same user on this machine speak to the
	// server, by a socket in Dir: see [BackupRunning].
	Control bool

	// Log gets what an operator would want to know. The zero Logger is silent.
	Log zerolog.Logger

	speaks uint8 // for tests: the version of an earlier or later program; 0 is version
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, fmt.Errorf("zkserver: no data directory given")
	}
	setDefault(&c.Listen, "127.0.0.1:2181")
	setDefault(&c.Tick, 500*time.Millisecond)
	setDefault(&c.MinSessionTimeout, 2*c.Tick)
	setDefault(&c.MaxSessionTimeout, max(20*c.Tick, time.Minute))
	setDefault(&c.MaxConns, 10_000)
	setDefault(&c.MaxConnsPerAddr, max(1, c.MaxConns/2))
	setDefault(&c.MaxSessions, 100_000)
	setDefault(&c.MaxSessionsPerAddr, max(c.MaxSessions/2, min(c.MaxSessions, 1000)))
	setDefault(&c.MaxOutput, 256<<20)
	setDefault(&c.MaxInput, 128<<20)
	setDefault(&c.MaxFrame, wire.MaxFrame)
	setDefault(&c.MaxWatchesPerConn, 100_000)
	setDefault(&c.SlowSync, time.Second)
	setDefault(&c.Operators.AdminPath, "/commands")
	setDefault(&c.Operators.Idle, 30*time.Second)
	if len(c.Words) == 0 {
		c.Words = []string{"srvr"}
	}
	if err := c.TLS.check(); err != nil {
		return c, err
	}
	if err := c.Ensemble.check(); err != nil {
		return c, err
	}
	setDefault(&c.MaxWatches, 5_000_000)
	setDefault(&c.SweepInterval, time.Minute)
	setDefault(&c.SweepPerMinute, 10_000)
	if c.Tick < time.Millisecond {
		return c, fmt.Errorf("zkserver: tick is %v, must be at least 1ms", c.Tick)
	}
	if c.MinSessionTimeout > c.MaxSessionTimeout {
		return c, fmt.Errorf("zkserver: least session timeout %v is above the greatest, %v",
			c.MinSessionTimeout, c.MaxSessionTimeout)
	}
	if c.MaxFrame > maxMaxFrame {
		return c, fmt.Errorf("zkserver: largest request is %d bytes, must be at most %d to fit the log", c.MaxFrame, maxMaxFrame)
	}
	c.MaxInput = max(c.MaxInput, int64(c.MaxFrame)) // or the largest waits for ever
	if c.SegmentBytes != 0 {
		c.SegmentBytes = max(c.SegmentBytes, int64(c.MaxFrame+commandRoom))
	}
	return c, nil
}

// rules are what the configuration means for the outcome of requests.
func (c Config) rules() (rules tree.Rules) {
	for _, r := range []struct {
		on   bool
		rule tree.Rules
	}{
		{c.EnforceQuotas, tree.EnforceQuota},
		{c.NoTTL, tree.NoTTL},
		{!c.X509, tree.NoX509},
		{c.ReconfigEnabled, reconfigRule},
	} {
		if r.on {
			rules |= r.rule
		}
	}
	return rules
}

// setDefault sets *v to def when it is the zero value.
func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
