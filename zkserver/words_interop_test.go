package zkserver_test

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// An asked is a server in a known state: two clients, some znodes and watches.
type asked struct {
	t    *testing.T
	addr string
	a, b *client
}

// prepare brings a server into the state.
func prepare(t *testing.T, addr string) *asked {
	t.Helper()
	s := &asked{t: t, addr: addr}
	s.a, s.b = s.client(), s.client()
	for _, c := range []*client{s.a, s.b} {
		if !c.handshake(wire.ConnectRequest{TimeoutMillis: 10_000}) {
			t.Fatalf("no session at %s", addr)
		}
	}
	s.a.create("/x", "data", 0)
	s.a.create("/x/e", "hello", wire.FlagEphemeral)
	s.b.create("/x/y", "", 0)
	s.b.create("/e", "", wire.FlagEphemeral)
	s.a.get("/x", true)
	s.a.exists("/nope", true)
	s.b.get("/x", true)
	s.b.children("/x", true)
	return s
}

func (s *asked) client() *client {
	s.t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(time.Minute))
	return &client{t: s.t, nc: nc, br: bufio.NewReader(nc)}
}

func (s *asked) word(name string) string {
	s.t.Helper()
	c := s.client()
	c.write([]byte(name))
	return string(c.rest())
}

// variable is what differs from server to server and from run to run.
var variable = []struct{ pattern, by string }{
	{`(?m)^(Zookeeper version: |zk_version\t|zookeeper\.version=).*$`, "${1}V"},
	{`Latency min/avg/max: \d+/\d+\.\d+/\d+`, "Latency min/avg/max: N/N.N/N"},
	{`(Received|Sent): \d+`, "$1: N"},
	{`Zxid: 0x[0-9a-f]+`, "Zxid: 0xN"},
	{`lzxid=0x[0-9a-f]+`, "lzxid=0xN"},
	{`(est|lresp|llat|minlat|avglat|maxlat)=\d+`, "$1=N"},
	{`127\.0\.0\.1:\d+`, "OTHER"},
	{`expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}:`, "expire at DATE:"},
	{`(?m)^(Session Sets|Connections Sets) \(\d+\)/`, "$1 (N)/"},
	{`(?m)^\d+ expire at DATE:\n`, ""}, // how many do together is chance
	{`(?m)^(clientPort|dataDir|dataDirSize|dataLogDir|dataLogSize|maxClientCnxns|maxSessionTimeout)=.*$`, "$1=V"},
	{`(datadir_size|logdir_size): \d+`, "$1: N"},
}

// normal makes answers of different servers comparable. Lines whose order comes
// from hash tables are sorted.
func (s *asked) normal(name, text string) string {
	for c, as := range map[*client]string{s.a: "A", s.b: "B"} {
		text = strings.ReplaceAll(text, fmt.Sprintf("0x%x", uint64(c.conn.SessionID)), "SESSION-"+as)
		text = strings.ReplaceAll(text, c.nc.LocalAddr().String(), "ADDR-"+as)
	}
	for _, v := range variable {
		text = regexp.MustCompile(v.pattern).ReplaceAllString(text, v.by)
	}
	switch name {
	case "dump", "wchc", "wchp", "cons", "stat":
		lines := strings.SplitAfter(text, "\n")
		slices.Sort(lines)
		text = strings.Join(lines, "")
	case "envi":
		text = regexp.MustCompile(`(?m)=.*$`).ReplaceAllString(text, "=V")
	}
	return text
}

// Both servers are brought into the same state and asked all words. What
// differs by nature is masked; all else must be the same, to the letter.
func TestInteropWordsAreThoseOfApacheZooKeeper(t *testing.T) {
	if os.Getenv("MW_INTEROP") == "" {
		t.Skip("make interop runs this")
	}
	reference.Need(t)
	theirs := prepare(t, reference.Start(t).Addr())
	ours := prepare(t, zktest.NewServer(t, allWords, func(cfg *zkserver.Config) { cfg.MaxSessionTimeout = 10 * time.Minute }).Addr())
	for _, name := range []string{
		"ruok", "isro", "srvr", "stat", "conf", "cons", "dump", "envi", "dirs", "wchs", "wchc", "wchp", "hash", "lead", "crst", "srst", "cons",
	} {
		if diff := cmp.Diff(theirs.normal(name, theirs.word(name)), ours.normal(name, ours.word(name))); diff != "" {
			t.Errorf("%s (-theirs +ours): %s", name, diff)
		}
	}
	compareMonitors(t, theirs.word("mntr"), ours.word("mntr"))
}

// notShown are metrics that ours leaves out, because what they count happens
// here but is not counted.
var notShown = regexp.MustCompile(`^zk_(avg|min|max|cnt|sum|p\d+)_(.*_per_namespace|socket_closing_time|sync_process_time|close_session_prep_time)$`)

func compareMonitors(t *testing.T, theirs, ours string) {
	t.Helper()
	rows := func(text string) map[string]string {
		m := make(map[string]string)
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if !notShown.MatchString(key) {
				m[key] = value
			}
		}
		return m
	}
	a, b := rows(theirs), rows(ours)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))); diff != "" {
		t.Errorf("names in mntr (-theirs +ours): %s", diff)
	}
	for _, key := range []string{
		"server_state", "ephemerals_count", "num_alive_connections", "outstanding_requests", "znode_count", "global_sessions",
		"connection_drop_probability", "watch_count", "auth_failed_count", "approximate_data_size", "local_sessions", "outstanding_tls_handshake",
	} {
		if key = "zk_" + key; a[key] != b[key] {
			t.Errorf("%s is %s here and %s there", key, b[key], a[key])
		}
	}
	number := regexp.MustCompile(`^-?\d+$`)
	for key, value := range b {
		if number.MatchString(value) != number.MatchString(a[key]) {
			t.Errorf("%s is %q here and %q there", key, value, a[key])
		}
	}
}

func TestInteropWordsOffTheWhitelist(t *testing.T) {
	if os.Getenv("MW_INTEROP") == "" {
		t.Skip("make interop runs this")
	}
	reference.Need(t)
	theirs := &asked{t: t, addr: reference.Start(t, "4lw.commands.whitelist=srvr").Addr()}
	ours := &asked{t: t, addr: zktest.NewServer(t).Addr()}
	for _, name := range []string{"ruok", "mntr", "stmk", "wchc"} {
		if a, b := theirs.word(name), ours.word(name); a != b {
			t.Errorf("%s is answered %q here and %q there", name, b, a)
		}
	}
}
