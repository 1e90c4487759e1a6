package zkserver

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// words are the four-letter words: instead of a handshake a client may send one
// of them, and gets text. No frame can start so: as a length a word is far
// above any limit. A word without a function is known but not answered.
var words = map[string]func(*Server, *bytes.Buffer){
	"ruok": func(_ *Server, b *bytes.Buffer) { b.WriteString("imok") },
	"isro": func(_ *Server, b *bytes.Buffer) { b.WriteString("rw") },
	"srvr": (*Server).writeServer,
	"stat": (*Server).writeStat,
	"mntr": (*Server).writeMonitor,

	"conf": nil, "cons": nil, "crst": nil, "dirs": nil, "dump": nil, "envi": nil, "gtmk": nil, "hash": nil,
	"lead": nil, "srst": nil, "stmk": nil, "wchc": nil, "wchp": nil, "wchs": nil,
}

// The version clients are told is that of the protocol. The form of the build
// date is the one that go-zookeeper reads.
const (
	protocolVersion = "3.8.0-mw"
	buildDate       = "01/01/2026 00:00 UTC"
)

func (c *conn) sayWord(word string, say func(*Server, *bytes.Buffer)) {
	var b bytes.Buffer
	if say == nil {
		fmt.Fprintf(&b, "%s is not executed because it is not in the whitelist.\n", word)
	} else {
		say(c.srv, &b)
	}
	c.br.Discard(c.br.Buffered()) // unread input would turn the close into a reset
	c.nc.Write(b.Bytes())
}

// totals sums up the server for the words.
type totals struct {
	received, sent int64
	outstanding    int
	conns          []*conn // open, by number
	znodes         int
	ephemerals     int
	bytes          int64
	watches        int
	zxid           int64
	latency        latency
}

func (s *Server) totals() totals {
	r := s.replica
	r.mu.RLock()
	defer r.mu.RUnlock()
	counts := r.tree.Counts()
	t := totals{
		received:   s.received.Load(),
		sent:       s.sent.Load(),
		znodes:     counts.Znodes,
		ephemerals: counts.Ephemerals,
		bytes:      counts.Bytes,
		watches:    r.watchCount(),
		zxid:       r.zxid,
		latency:    r.latency,
	}
	for _, n := range slices.Sorted(maps.Keys(r.conns)) {
		c := r.conns[n]
		queued, sent := c.counts()
		t.conns = append(t.conns, c)
		t.outstanding += queued
		t.received += c.received.Load()
		t.sent += sent
	}
	return t
}

func (c *conn) counts() (queued int, sent int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.len(), c.sent
}

func (s *Server) writeServer(b *bytes.Buffer) {
	t := s.totals()
	writeVersion(b)
	t.write(b)
}

func (s *Server) writeStat(b *bytes.Buffer) {
	t := s.totals()
	writeVersion(b)
	b.WriteString("Clients:\n")
	for _, c := range t.conns {
		queued, sent := c.counts()
		fmt.Fprintf(b, " /%s[1](queued=%d,recved=%d,sent=%d)\n", c.nc.RemoteAddr(), queued, c.received.Load(), sent)
	}
	b.WriteByte('\n')
	t.write(b)
}

func writeVersion(b *bytes.Buffer) {
	fmt.Fprintf(b, "Zookeeper version: %s, built on %s\n", protocolVersion, buildDate)
}

func (t *totals) write(b *bytes.Buffer) {
	l := t.latency
	fmt.Fprintf(b, "Latency min/avg/max: %d/%.4f/%d\n", l.min.Milliseconds(), l.avgMillis(), l.max.Milliseconds())
	fmt.Fprintf(b, "Received: %d\nSent: %d\nConnections: %d\nOutstanding: %d\n", t.received, t.sent, len(t.conns), t.outstanding)
	fmt.Fprintf(b, "Zxid: %#x\nMode: standalone\nNode count: %d\n", t.zxid, t.znodes)
}

func (s *Server) writeMonitor(b *bytes.Buffer) {
	t := s.totals()
	row := func(key string, value any) { fmt.Fprintf(b, "zk_%s\t%v\n", key, value) }
	row("version", fmt.Sprintf("%s, built on %s", protocolVersion, buildDate))
	row("server_state", "standalone")
	row("uptime", s.clock().Milliseconds())
	row("min_latency", t.latency.min.Milliseconds())
	row("avg_latency", fmt.Sprintf("%.4f", t.latency.avgMillis()))
	row("max_latency", t.latency.max.Milliseconds())
	row("packets_received", t.received)
	row("packets_sent", t.sent)
	row("num_alive_connections", len(t.conns))
	row("outstanding_requests", t.outstanding)
	row("znode_count", t.znodes)
	row("ephemerals_count", t.ephemerals)
	row("watch_count", t.watches)
	row("approximate_data_size", t.bytes)
}
