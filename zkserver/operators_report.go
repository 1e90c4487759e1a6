package zkserver

import (
	"cmp"
	"net"
	"slices"
	"time"

	"github.com/mwqueue/mw/zkserver/admin"
	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/wire"
)

// Report describes the server at one moment. It may be called from any
// goroutine; what it needs under the lock is copied, and the rest done after.
func (s *Server) Report(need admin.Need) admin.Report {
	rep := admin.Report{
		Version:  protocolVersion + ", built on " + buildDate,
		Mode:     "standalone",
		Serving:  s.serves() || s.isReadOnly(),
		ReadOnly: s.isReadOnly(),
		Uptime:   s.clock(),
		Settings: s.settings(),
	}
	s.reportMembers(&rep)
	s.reportStats(&rep)
	s.reportState(&rep, need)
	sortReport(&rep)
	rep.OpenFiles, rep.MaxFiles = fileCounts()
	if need&admin.NeedSizes != 0 {
		rep.DataDirSize = dirSize(s.cfg.Dir)
		rep.LogDirSize = rep.DataDirSize
	}
	if need&admin.NeedEnv != 0 {
		rep.Env = environment()
	}
	return rep
}

// sums are the totals of all connections since the last reset, open and closed
// ones, and the sizes of replies: last, least, most; -1 for none.
func (s *Server) sums() (totals, [3]int64) {
	r := s.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	var open totals
	sizes := [3]int64{-1, -1, -1}
	newest := time.Duration(-1)
	for _, c := range r.conns {
		c.mu.Lock()
		open.add(c.totals())
		if t := &c.tally; t.lastSize > 0 {
			if t.replied > newest {
				newest, sizes[0] = t.replied, int64(t.lastSize)
			}
			if sizes[1] < 0 || int64(t.minSize) < sizes[1] {
				sizes[1] = int64(t.minSize)
			}
			sizes[2] = max(sizes[2], int64(t.maxSize))
		}
		c.mu.Unlock()
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	open.add(s.stats.closed)
	b := s.stats.base
	open.add(totals{-b.received, -b.sent, -b.bytesIn, -b.bytesOut})
	return open, sizes
}

func (s *Server) reportStats(rep *admin.Report) {
	st := &s.stats
	t, sizes := s.sums()
	rep.Received, rep.Sent, rep.BytesIn, rep.BytesOut = t.received, t.sent, t.bytesIn, t.bytesOut
	rep.LastOut, rep.MinOut, rep.MaxOut = sizes[0], sizes[1], sizes[2]
	reads := make([]*histogram, 0, readHistograms+1)
	for i := range st.reads {
		reads = append(reads, &st.reads[i])
	}
	rep.ReadLatency = summarize(reads...)
	rep.UpdateDelay = summarize(&st.writes)
	rep.Latency = summarize(append(reads, &st.writes)...)
	rep.SnapshotZxid = st.snapshotZxid.Load()
	if ms := st.snapshotTime.Load(); ms > 0 {
		rep.SnapshotTime = time.UnixMilli(ms)
	}
	snapshots := summarize(&st.snapshots)
	rep.Summaries = map[string]admin.Summary{
		"fsynctime":              summarize(&st.fsyncs),
		"snapshottime":           snapshots,
		"startup_snap_load_time": summarize(&st.load),
		"dbinittime":             summarize(&st.load),
		"propagation_latency":    summarize(&st.propagation),

		"node_created_watch_count":  summarize(&st.told[wire.EventCreated]),
		"node_deleted_watch_count":  summarize(&st.told[wire.EventDeleted]),
		"node_changed_watch_count":  summarize(&st.told[wire.EventDataChanged]),
		"node_children_watch_count": summarize(&st.told[wire.EventChildrenChanged]),

		"startup_txns_loaded":    once(float64(st.replayed.Load()), st.replayed.Load()),
		"startup_txns_load_time": once(float64(st.replay.Load())/1e6, st.replayed.Load()),
	}
	rep.Counters = map[string]int64{
		"auth_failed_count":               st.authFailed.Load(),
		"connection_request_count":        st.connects.Load(),
		"connection_rejected":             st.rejected.Load(),
		"stale_sessions_expired":          st.expired.Load(),
		"sessionless_connections_expired": st.sessionless.Load(),
		"large_requests_rejected":         st.largeRejected.Load(),
		"outstanding_tls_handshake":       st.handshakes.Load(),
		"unsuccessful_handshake":          st.badHandshakes.Load(),
		"tls_handshake_exceeded":          st.lateHandshakes.Load(),
		"fsync_threshold_exceed_count":    st.slowSyncs.Load(),
		"snap_count":                      int64(snapshots.Count),
	}
}

// once is a summary of one value, or of none when nothing was counted.
func once(v float64, counted int64) admin.Summary {
	if counted == 0 {
		return admin.Summary{}
	}
	return admin.Summary{Count: 1, Sum: v, Min: v, Max: v, Quantiles: []admin.Quantile{{Part: 0.5, Value: v}}}
}

// reportState fills in what the replica knows.
func (s *Server) reportState(rep *admin.Report, need admin.Need) {
	r := s.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	counts := r.tree.Counts()
	// The reference has the root twice, by two names, and counts it so.
	rep.Zxid, rep.Znodes, rep.Ephemerals, rep.DataBytes = r.zxid, counts.Znodes+1, counts.Ephemerals, counts.Bytes
	rep.Alive = r.sessions.Len()
	r.reportWatches(rep, need)

	rep.Open = len(r.conns)
	owned := make(map[*conn]session.Session)
	if need&admin.NeedConns != 0 {
		for id, c := range r.owners {
			owned[c], _ = r.sessions.Get(id)
		}
	}
	for _, c := range r.conns {
		if need&admin.NeedConns != 0 {
			rep.Conns = append(rep.Conns, c.report(owned[c]))
		}
		c.mu.Lock()
		rep.Outstanding += c.queue.len()
		c.mu.Unlock()
		if c.overTLS() {
			rep.OpenTLS++
		}
	}
	if need&admin.NeedSessions != 0 {
		for one := range r.sessions.All() {
			rep.Sessions = append(rep.Sessions, admin.Session{
				ID: int64(one.ID), Expires: r.expires(s, one), Ephemerals: r.tree.Ephemerals(int64(one.ID), ""),
			})
		}
	}
}

// sortReport puts in order what was copied, when the replica can go on.
func sortReport(rep *admin.Report) {
	slices.SortFunc(rep.Conns, func(a, b admin.Conn) int {
		return cmp.Or(a.Established.Compare(b.Established), cmp.Compare(a.Addr, b.Addr))
	})
	for _, one := range rep.Sessions {
		slices.Sort(one.Ephemerals)
	}
}

func (r *replica) reportWatches(rep *admin.Report, need admin.Need) {
	r.watchMu.Lock()
	defer r.watchMu.Unlock()
	rep.WatchCount = r.watches.Counts().Watches
	data := r.watches.DataCounts()
	rep.DataWatches, rep.DataPaths, rep.DataWatched = data.Watches, data.Paths, data.Conns
	if need&admin.NeedWatches == 0 {
		return
	}
	rep.Watches = make([]admin.Watch, 0, data.Watches)
	for id, path := range r.watches.DataWatches() {
		if c := r.conns[uint32(id)]; c != nil {
			rep.Watches = append(rep.Watches, admin.Watch{Session: int64(c.session), Path: path})
		}
	}
}

// expires is when a session ends unless it is heard from.
func (r *replica) expires(s *Server, one session.Session) time.Time {
	heard := time.Now()
	if c := r.owners[one.ID]; c != nil {
		heard = s.clockAt(time.Duration(c.heard.Load()))
	} else if due, ok := r.live.deadline(one.ID); ok {
		return due
	}
	return heard.Add(one.Timeout)
}

// deadline is when a session is overdue, as far as the tracker knows.
func (l *liveness) deadline(id session.ID) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tracker.Deadline(id)
}

// report describes the connection, which owns a session or, with the zero
// Session, does not.
func (c *conn) report(owned session.Session) admin.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.tally
	heard := c.srv.clockAt(time.Duration(c.heard.Load()))
	rep := admin.Conn{
		Addr: c.nc.RemoteAddr().String(), TLS: c.overTLS(), Outstanding: c.queue.len(),
		Received: c.received.Load(), Sent: c.sent,
		Established: c.srv.clockAt(t.opened), Expires: heard.Add(handshakeTime),
		LastOp: opTags[t.op], LastXid: t.xid, LastZxid: t.zxid, LastReply: t.replied,
		Last: t.last, Min: t.min, Max: t.max,
	}
	if owned.ID != 0 {
		rep.Session, rep.Timeout, rep.Expires = int64(owned.ID), owned.Timeout, heard.Add(owned.Timeout)
	}
	if t.count > 0 {
		rep.Avg = t.sum / time.Duration(t.count)
	}
	return rep
}

// settings are what the configuration says, for conf.
func (s *Server) settings() admin.Settings {
	cfg := &s.cfg
	set := admin.Settings{
		ClientPort: -1, SecureClientPort: -1, DataDir: cfg.Dir, LogDir: cfg.Dir, Tick: cfg.Tick,
		MaxClientConns: cfg.MaxConnsPerAddr, MinSessionTimeout: cfg.MinSessionTimeout, MaxSessionTimeout: cfg.MaxSessionTimeout,
		Backlog: -1, File: cfg.File,
	}
	if cfg.MaxConnsPerAddr >= cfg.MaxConns {
		set.MaxClientConns = 0 // no bound of its own
	}
	set.ClientPort, set.SecureClientPort = portOf(s.listener), portOf(s.tlsListener)
	return set
}

// portOf is where a listener is, or -1 for none.
func portOf(l net.Listener) int {
	if l == nil {
		return -1
	}
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return -1
}

// opTags are the names that cons has for the last request.
var opTags = map[*op]string{sessionOp: "SESS", noOp: "NA"}

// These stand for the last request of a connection that has not had one.
var (
	sessionOp = &op{}
	noOp      = &op{}
)

func init() {
	for code, tag := range map[wire.Op]string{
		wire.OpCreate: "CREA", wire.OpCreate2: "CREA", wire.OpCreateContainer: "CREA", wire.OpCreateTTL: "CREA",
		wire.OpDelete: "DELE", wire.OpDeleteContainer: "DELE", wire.OpSetData: "SETD", wire.OpSetACL: "SETA", wire.OpCheck: "CHEC",
		wire.OpMulti: "MULT", wire.OpMultiRead: "MLTR", wire.OpReconfig: "RECO", wire.OpCloseSession: "CLOS",
		wire.OpExists: "EXIS", wire.OpGetData: "GETD", wire.OpGetACL: "GETA", wire.OpGetChildren: "GETC", wire.OpGetChildren2: "GETC",
		wire.OpGetAllChildrenNumber: "GETACN", wire.OpGetEphemerals: "GETE", wire.OpWhoAmI: "HOMI", wire.OpPing: "PING",
		wire.OpSetWatches: "SETW", wire.OpSetWatches2: "STW2", wire.OpAddWatch: "ADDW", wire.OpCheckWatches: "CHKW",
		wire.OpRemoveWatches: "REMW", wire.OpSync: "SYNC", wire.OpAuth: "AUTH", wire.OpSASL: "SASL",
	} {
		if o := ops[code]; o != nil {
			opTags[o] = tag
		}
	}
}
