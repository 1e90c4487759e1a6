package zoocfg

import (
	"fmt"
	"time"
)

// Config is what a zoo.cfg says. Parse fills in the reference's defaults where
// there is a comment that says so; elsewhere the zero value means "not said".
type Config struct {
	// DataDir holds snapshots, myid and, if DataLogDir is empty, the log.
	DataDir    string
	DataLogDir string

	// NoCreate says that data directories that do not exist are an error.
	NoCreate bool

	// ClientPort is 0 when there is none: then there is a SecureClientPort.
	// ClientAddress is the host part alone; empty means all addresses.
	ClientPort          int
	ClientAddress       string
	SecureClientPort    int
	SecureClientAddress string

	// PortUnification makes the client port take TLS connections as well.
	PortUnification bool

	// TickTime is the unit of session time. Default: 3s.
	TickTime time.Duration

	// Session timeouts. 0: 2 and 20 ticks.
	MinSessionTimeout, MaxSessionTimeout time.Duration

	// MaxClientConns bounds the connections of one address. 0: no bound.
	// Default: 60.
	MaxClientConns int

	// MaxConns bounds all connections. 0: the server's own bound.
	MaxConns int

	// SnapCount and SnapBytes are how many writes, and how much log, there may
	// be between snapshots; PreAllocBytes the size in which log files grow.
	// 0: the server's own.
	SnapCount     int64
	SnapBytes     int64
	PreAllocBytes int64

	// MaxBuffer is the largest request in bytes. 0: 1 MiB - 1.
	MaxBuffer int

	// FsyncWarning is how long a sync of the log may take without a warning.
	// Default: 1s.
	FsyncWarning time.Duration

	// Words is the whitelist of four-letter words; "*" stands for all.
	// Default: srvr.
	Words []string

	Admin   Admin
	Metrics Metrics
	TLS     TLS

	// SuperDigest is "super:" and a hash, as
	// DigestAuthenticationProvider.generateDigest makes it. X509SuperUser is a
	// distinguished name.
	SuperDigest   string
	X509SuperUser string

	// TTLNodes allows znodes with a time to live. ContainerCheck is how often
	// empty containers and expired znodes are looked for, ContainersPerMinute
	// how many may be deleted, NeverUsedContainer how long one lives that
	// never had a child (0: for ever). 0 for the others: the server's own.
	TTLNodes            bool
	ContainerCheck      time.Duration
	ContainersPerMinute int
	NeverUsedContainer  time.Duration

	// EnforceQuota refuses writes above a hard quota. Reconfig says that
	// reconfiguration is allowed, of which a single server knows how to refuse
	// it.
	EnforceQuota bool
	Reconfig     bool

	// Servers are the members, by number; a single server may have one or
	// none. DynamicFile names another file with more of them.
	Servers     []Server
	DynamicFile string

	// The following say how an ensemble works, and nothing to a single server.
	InitLimit, SyncLimit int               // in ticks; shown to operators, no more
	PeerType             string            // participant or observer; empty: not said
	Standalone           bool              // one server.N line is a single server; default: true
	ListenOnAll          bool              // let members in on all addresses
	ReadOnly             bool              // serve reads without a quorum
	Linearizable         bool              // read what was acknowledged anywhere before
	PeerTLS              PeerTLS           // between members
	Groups               map[string]string // "group.1" and "weight.1" to their values

	Warnings []Warning

	seen map[string]int // line of each key
}

// Admin says how to serve the AdminServer's commands over HTTP.
type Admin struct {
	Enabled bool   // default: true
	Address string // empty: not said
	Port    int    // default: 8080
	URL     string // default: /commands
	Idle    time.Duration
}

// Metrics says how to serve metrics to Prometheus.
type Metrics struct {
	Prometheus bool   // default: false
	Address    string // empty: not said
	Port       int    // default: 7000
	Process    bool   // also of the process itself; default: true
}

// TLS says how to serve clients over TLS. Files are PEM.
type TLS struct {
	// KeyStore has the server's certificates and its key; TrustStore those
	// that clients' certificates must come from.
	KeyStore, TrustStore string

	// ClientAuth is none, want or need. Default: need.
	ClientAuth string

	// Protocols are the versions allowed, as TLSv1.2; CipherSuites their names
	// as the RFCs have them. Empty: the server's choice.
	Protocols    []string
	CipherSuites []string
}

// PeerTLS says how members speak TLS to each other. Files are PEM.
type PeerTLS struct {
	// On is to speak it, and Unify to take members in that do not.
	On, Unify bool

	// KeyStore has this member's certificates and its key; TrustStore those
	// that the others' certificates must come from.
	KeyStore, TrustStore string

	// AnyName is not to compare the names in certificates with the hosts of the
	// server.N lines.
	AnyName bool
}

// A Warning is about a key that has not the effect it has in the reference.
type Warning struct {
	File string
	Line int // 0 when the key is not from a file
	Key  string
	Text string
}

func (w Warning) String() string { return place(w.File, w.Line) + w.Key + " " + w.Text }

// An Error says which key is wrong, where it is, and what to do.
type Error struct {
	File string
	Line int // 0 when it is about the file as a whole, or not from a file
	Text string
}

func (e *Error) Error() string { return place(e.File, e.Line) + e.Text }

func place(file string, line int) string {
	if line == 0 {
		return file + ": "
	}
	return fmt.Sprintf("%s:%d: ", file, line)
}

func defaults() Config {
	return Config{
		TickTime:       3 * time.Second,
		MaxClientConns: 60,
		FsyncWarning:   time.Second,
		Words:          []string{"srvr"},
		Admin:          Admin{Enabled: true, Port: 8080, URL: "/commands", Idle: 30 * time.Second},
		Metrics:        Metrics{Port: 7000, Process: true},
		TLS:            TLS{ClientAuth: "need"},
		Standalone:     true,
		seen:           make(map[string]int),
	}
}
