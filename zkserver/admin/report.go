package admin

import "time"

// A Need says which of the costly parts of a Report are wanted.
type Need uint8

const (
	NeedConns    Need = 1 << iota // Conns
	NeedWatches                   // Watches
	NeedSessions                  // Sessions
	NeedSizes                     // DataDirSize, LogDirSize
	NeedEnv                       // Env
)

// A Source is a server that can be asked about itself. Its methods may be
// called from any goroutine.
type Source interface {
	// Report describes the server at one moment, with the parts that need
	// names.
	Report(need Need) Report

	// ResetServer sets the server's counts and latencies to zero.
	ResetServer()

	// ResetConns does so for each connection.
	ResetConns()
}

// A Report describes a server.
type Report struct {
	Version  string // as "3.8.0-mw, built on 01/02/2026 15:04 UTC"
	Mode     string // standalone, leader, follower, observer, read-only
	ReadOnly bool
	Serving  bool // false while it recovers
	Uptime   time.Duration

	Zxid       int64
	Znodes     int
	Ephemerals int
	DataBytes  int64 // of paths and data
	Alive      int   // sessions

	// Connections that are open, all and those over TLS, and the requests of
	// them that are not answered.
	Open, OpenTLS int
	Outstanding   int

	// Since the start or the last ResetServer: requests and replies; bytes of
	// requests and of replies, the smallest, largest and last reply.
	Received, Sent           int64
	BytesIn, BytesOut        int64
	LastOut, MinOut, MaxOut  int64 // -1 while there is none
	Latency                  Summary
	ReadLatency, UpdateDelay Summary

	// Watches: how many, on how many paths and of how many connections.
	// DataWatches are those that reads of data and existence set.
	WatchCount             int
	DataWatches            int
	DataPaths, DataWatched int // paths; connections
	WatchBytes             int64

	OpenFiles, MaxFiles int64 // -1 when not known

	// Counters and Summaries are the measured metrics that are not above, by
	// the reference's names without zk_.
	Counters  map[string]int64
	Summaries map[string]Summary

	// The newest snapshot: its last write and when it was taken. Zero when this
	// process has neither read nor taken one.
	SnapshotZxid int64
	SnapshotTime time.Time

	Settings Settings
	Quorum   *Quorum // nil when the server is alone

	// The parts that are filled in only when needed.
	Conns                   []Conn    // by number
	Watches                 []Watch   // data watches
	Sessions                []Session // by id
	DataDirSize, LogDirSize int64
	Env                     []Pair
}

// A Quorum is what a member of an ensemble knows of it.
type Quorum struct {
	Number  int // of this member
	Voters  int
	Term    uint64
	Leader  int    // number of the leader, -1 when there is none
	Host    string // of the leader
	Commit  uint64 // entries of the log that are known to be committed
	Applied uint64 // … that are part of the state here
	Config  []string
	Version int64 // of Config, the lines of the members

	InitLimit, SyncLimit      int // in ticks
	QuorumPort, ElectionPort  int
	NoLeader                  Summary // how long there was none, each time
	Proposals                 Sizes
	ProposalCount, AckedCount int64 // commands applied while leading, and while not

	// The leader alone knows the rest.
	Uptime      time.Duration // as leader
	Members     []Member
	PendingSync int
}

// Sizes are of commands, in bytes; -1 when there was none.
type Sizes struct{ Last, Min, Max int64 }

// A Member is another member, as its leader knows it.
type Member struct {
	Number   int
	Observer bool
	Votes    bool   // no observer, nor one that was removed or is not wholly there yet
	Active   bool   // it was heard from just now
	Lag      uint64 // entries of the log that it is not known to have
}

// The kinds of learners, in the reference's words.
func isFollower(m Member) bool  { return m.Votes }
func isObserver(m Member) bool  { return m.Observer }
func isNonVoting(m Member) bool { return !m.Votes && !m.Observer }
func isLearner(Member) bool     { return true }

// synced counts the others that are there, of one kind.
func (q *Quorum) synced(kind func(Member) bool) (n int64) {
	for _, m := range q.Members {
		if m.Active && kind(m) && m.Number != q.Number {
			n++
		}
	}
	return n
}

// Settings are what the server was told to do.
type Settings struct {
	ClientPort, SecureClientPort         int // -1: none
	DataDir, LogDir                      string
	Tick                                 time.Duration
	MaxClientConns                       int
	MinSessionTimeout, MaxSessionTimeout time.Duration
	Backlog                              int // -1: the system's
	ServerID                             int
	File                                 string // text of zoo.cfg without its secrets, or ""
}

// A Conn is one connection.
type Conn struct {
	Addr        string // host:port of the client
	TLS         bool
	Session     int64 // 0 before the handshake, and while a word is answered
	Outstanding int
	Received    int64
	Sent        int64

	LastOp        string
	Established   time.Time
	Timeout       time.Duration
	LastXid       int32 // of the client's own requests; 0 before the first
	LastZxid      int64
	LastReply     time.Duration // since the server started
	Expires       time.Time     // unless it is heard from
	Last          time.Duration // latency of the last request
	Min, Avg, Max time.Duration
}

// A Watch is a data watch of a session.
type Watch struct {
	Session int64
	Path    string
}

// A Session is one that has not ended.
type Session struct {
	ID         int64
	Expires    time.Time // unless it is heard from
	Ephemerals []string
}

// A Pair is a line of the environment.
type Pair struct{ Key, Value string }

// A Summary is of durations, or of other counts if it is said so.
type Summary struct {
	Count, Sum, Min, Max float64 // in milliseconds, or of what is counted

	// Quantiles has pairs of a quantile and its value; empty for one that has
	// none.
	Quantiles []Quantile
}

// A Quantile says below which value that part of all is.
type Quantile struct{ Part, Value float64 }

// Avg is 0 when there is nothing.
func (s Summary) Avg() float64 {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / s.Count
}

// At gives the value of a quantile, or 0.
func (s Summary) At(part float64) float64 {
	for _, q := range s.Quantiles {
		if q.Part == part {
			return q.Value
		}
	}
	return 0
}
