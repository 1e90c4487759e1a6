package admin

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A word is a four-letter word: what is sent in place of a handshake, and
// answered in text. (ZooKeeper Administrator's Guide, "The Four Letter Words".)
type word struct {
	need  Need
	write func(*bufio.Writer, *Report)
	reset func(Source) // before the answer
}

var words = map[string]word{
	"conf": {write: writeConf, need: NeedSizes},
	"cons": {write: writeCons, need: NeedConns},
	"crst": {write: say("Connection stats reset.\n"), reset: Source.ResetConns},
	"dirs": {write: writeDirs, need: NeedSizes},
	"dump": {write: writeDump, need: NeedSessions | NeedConns},
	"envi": {write: writeEnvi, need: NeedEnv},
	"hash": {write: say("")}, // digests of the tree, which the reference has off
	"isro": {write: writeReadOnly},
	"lead": {write: say("")}, // of an ensemble
	"mntr": {write: writeMonitor},
	"ruok": {write: say("imok")},
	"srst": {write: say("Server stats reset.\n"), reset: Source.ResetServer},
	"srvr": {write: writeServer},
	"stat": {write: writeStat, need: NeedConns},
	"wchc": {write: writeWatchesBySession, need: NeedWatches},
	"wchp": {write: writeWatchesByPath, need: NeedWatches},
	"wchs": {write: writeWatchSummary},
}

// known are the words that the reference has and Write does not.
var known = []string{"gtmk", "stmk"}

// IsWord reports whether the first bytes of a connection are a word, to be
// answered or to be refused.
func IsWord(s string) bool {
	_, ok := words[s]
	return ok || slices.Contains(known, s)
}

// IsCostly reports whether the answer to a word grows with the connections,
// sessions or watches that there are.
func IsCostly(s string) bool { return words[s].need&(NeedConns|NeedWatches|NeedSessions) != 0 }

// A Whitelist has the words that are answered.
type Whitelist map[string]bool

// NewWhitelist makes a whitelist of words; "*" stands for all. It returns those
// that cannot be answered, too.
func NewWhitelist(list []string) (w Whitelist, unknown []string) {
	w = make(Whitelist)
	for _, s := range list {
		switch _, ok := words[s]; {
		case s == "*":
			for name := range words {
				w[name] = true
			}
		case ok:
			w[s] = true
		default:
			unknown = append(unknown, s)
		}
	}
	return w, unknown
}

// Write answers a word, or says that it is not in the whitelist.
func (w Whitelist) Write(to io.Writer, name string, src Source) error {
	b := bufio.NewWriterSize(to, 16<<10)
	if word, ok := words[name]; ok && w[name] {
		if word.reset != nil {
			word.reset(src)
		}
		r := src.Report(word.need)
		if r.Serving || name == "ruok" {
			word.write(b, &r)
		} else {
			b.WriteString("This ZooKeeper instance is not currently serving requests\n")
		}
	} else {
		fmt.Fprintf(b, "%s is not executed because it is not in the whitelist.\n", name)
	}
	return b.Flush()
}

func say(text string) func(*bufio.Writer, *Report) {
	return func(b *bufio.Writer, _ *Report) { b.WriteString(text) }
}

func writeReadOnly(b *bufio.Writer, r *Report) {
	if r.ReadOnly {
		b.WriteString("ro")
		return
	}
	b.WriteString("rw")
}

func writeServer(b *bufio.Writer, r *Report) {
	fmt.Fprintf(b, "Zookeeper version: %s\n", r.Version)
	writeTotals(b, r)
}

func writeStat(b *bufio.Writer, r *Report) {
	fmt.Fprintf(b, "Zookeeper version: %s\nClients:\n", r.Version)
	for i := range r.Conns {
		writeConn(b, &r.Conns[i])
		b.WriteString(")\n")
	}
	b.WriteByte('\n')
	writeTotals(b, r)
}

func writeTotals(b *bufio.Writer, r *Report) {
	l := r.Latency
	fmt.Fprintf(b, "Latency min/avg/max: %d/%s/%d\n", whole(l.Min), decimal(l.Avg()), whole(l.Max))
	fmt.Fprintf(b, "Received: %d\nSent: %d\nConnections: %d\nOutstanding: %d\n", r.Received, r.Sent, r.Open, r.Outstanding)
	fmt.Fprintf(b, "Zxid: 0x%x\nMode: %s\nNode count: %d\n", uint64(r.Zxid), r.Mode, r.Znodes)
	if r.leads() {
		p := r.Quorum.Proposals
		fmt.Fprintf(b, "Proposal sizes last/min/max: %d/%d/%d\n", p.Last, p.Min, p.Max)
	}
}

// whole rounds milliseconds.
func whole(ms float64) int64 { return int64(math.Round(ms)) }

// decimal writes a number with one to four places after the point, as Java
// writes a double that was rounded so.
func decimal(x float64) string {
	s := strings.TrimRight(strconv.FormatFloat(x, 'f', 4, 64), "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return s
}

func writeConn(b *bufio.Writer, c *Conn) {
	fmt.Fprintf(b, " /%s[%d](queued=%d,recved=%d,sent=%d", c.Addr, c.interest(), c.Outstanding, c.Received, c.Sent)
}

// interest is what the reference's event loop waits for: 1 is input.
func (c *Conn) interest() int {
	if c.Session == 0 {
		return 0
	}
	return 1
}

func writeCons(b *bufio.Writer, r *Report) {
	for i := range r.Conns {
		c := &r.Conns[i]
		writeConn(b, c)
		if c.Session != 0 {
			fmt.Fprintf(b, ",sid=0x%x,lop=%s,est=%d,to=%d", uint64(c.Session), c.LastOp, c.Established.UnixMilli(), c.Timeout.Milliseconds())
			if c.LastXid > 0 {
				fmt.Fprintf(b, ",lcxid=0x%x", c.LastXid)
			}
			fmt.Fprintf(b, ",lzxid=0x%x,lresp=%d,llat=%d,minlat=%d,avglat=%d,maxlat=%d", uint64(c.LastZxid), c.LastReply.Milliseconds(),
				c.Last.Milliseconds(), c.Min.Milliseconds(), c.Avg.Milliseconds(), c.Max.Milliseconds())
		}
		b.WriteString(")\n")
	}
	b.WriteByte('\n')
}

func writeConf(b *bufio.Writer, r *Report) {
	s := &r.Settings
	fmt.Fprintf(b, "clientPort=%d\nsecureClientPort=%d\n", s.ClientPort, s.SecureClientPort)
	fmt.Fprintf(b, "dataDir=%s\ndataDirSize=%d\ndataLogDir=%s\ndataLogSize=%d\n", s.DataDir, r.DataDirSize, s.LogDir, r.LogDirSize)
	fmt.Fprintf(b, "tickTime=%d\nmaxClientCnxns=%d\nminSessionTimeout=%d\nmaxSessionTimeout=%d\n", s.Tick.Milliseconds(), s.MaxClientConns,
		s.MinSessionTimeout.Milliseconds(), s.MaxSessionTimeout.Milliseconds())
	fmt.Fprintf(b, "clientPortListenBacklog=%d\nserverId=%d\n", s.Backlog, s.ServerID)
	if r.Quorum != nil {
		writeMembership(b, r)
	}
}

func writeDirs(b *bufio.Writer, r *Report) {
	fmt.Fprintf(b, "datadir_size: %d\nlogdir_size: %d\n", r.DataDirSize, r.LogDirSize)
}

func writeEnvi(b *bufio.Writer, r *Report) {
	b.WriteString("Environment:\n")
	for _, p := range r.Env {
		fmt.Fprintf(b, "%s=%s\n", p.Key, p.Value)
	}
}

func writeDump(b *bufio.Writer, r *Report) {
	groups := byExpiry(r.Sessions, func(s Session) time.Time { return s.Expires })
	fmt.Fprintf(b, "SessionTracker dump:\nSession Sets (%d)/(%d):\n", len(groups), len(r.Sessions))
	for _, g := range groups {
		fmt.Fprintf(b, "%d expire at %s:\n", len(g), g[0].Expires.Format(javaDate))
		for _, s := range g {
			fmt.Fprintf(b, "\t0x%x\n", uint64(s.ID))
		}
	}
	owners := slices.DeleteFunc(slices.Clone(r.Sessions), func(s Session) bool { return len(s.Ephemerals) == 0 })
	fmt.Fprintf(b, "ephemeral nodes dump:\nSessions with Ephemerals (%d):\n", len(owners))
	for _, s := range owners {
		fmt.Fprintf(b, "0x%x:\n", uint64(s.ID))
		for _, path := range s.Ephemerals {
			fmt.Fprintf(b, "\t%s\n", path)
		}
	}
	conns := byExpiry(r.Conns, func(c Conn) time.Time { return c.Expires })
	fmt.Fprintf(b, "Connections dump:\nConnections Sets (%d)/(%d):\n", len(conns), len(r.Conns))
	for _, g := range conns {
		fmt.Fprintf(b, "%d expire at %s:\n", len(g), g[0].Expires.Format(javaDate))
		for _, c := range g {
			fmt.Fprintf(b, "\tip: /%s sessionId: 0x%x\n", c.Addr, uint64(c.Session))
		}
	}
}

// javaDate is the form of java.util.Date.
const javaDate = "Mon Jan 02 15:04:05 MST 2006"

// byExpiry groups what expires in the same second, the soonest first. (The
// reference has buckets of a tick.)
func byExpiry[T any](all []T, expires func(T) time.Time) [][]T {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(expires(a).Unix(), expires(b).Unix()) })
	return slices.Collect(chunks(all, func(a, b T) bool { return expires(a).Unix() == expires(b).Unix() }))
}

// chunks yields the runs of elements that are the same.
func chunks[T any](all []T, same func(a, b T) bool) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(all) > 0 {
			n := 1
			for n < len(all) && same(all[0], all[n]) {
				n++
			}
			if !yield(all[:n:n]) {
				return
			}
			all = all[n:]
		}
	}
}

func writeWatchSummary(b *bufio.Writer, r *Report) {
	fmt.Fprintf(b, "%d connections watching %d paths\nTotal watches:%d\n", r.DataWatched, r.DataPaths, r.DataWatches)
}

func writeWatchesBySession(b *bufio.Writer, r *Report) {
	for _, g := range watchesBySession(r.Watches) {
		fmt.Fprintf(b, "0x%x\n", uint64(g[0].Session))
		for _, w := range g {
			fmt.Fprintf(b, "\t%s\n", w.Path)
		}
	}
	b.WriteByte('\n')
}

func writeWatchesByPath(b *bufio.Writer, r *Report) {
	for _, g := range watchesByPath(r.Watches) {
		fmt.Fprintf(b, "%s\n", g[0].Path)
		for _, w := range g {
			fmt.Fprintf(b, "\t0x%x\n", uint64(w.Session))
		}
	}
	b.WriteByte('\n')
}

func watchesBySession(all []Watch) [][]Watch {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Watch) int {
		return cmp.Or(cmp.Compare(a.Session, b.Session), cmp.Compare(a.Path, b.Path))
	})
	return slices.Collect(chunks(all, func(a, b Watch) bool { return a.Session == b.Session }))
}

func watchesByPath(all []Watch) [][]Watch {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Watch) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Session, b.Session))
	})
	return slices.Collect(chunks(all, func(a, b Watch) bool { return a.Path == b.Path }))
}
