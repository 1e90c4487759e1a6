package zkserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func allWords(cfg *zkserver.Config) { cfg.Words = []string{"*"} }

// word sends a four-letter word and returns the answer.
func word(t *testing.T, s *zktest.Server, name string) string {
	t.Helper()
	c := dial(t, s)
	c.write([]byte(name))
	return string(c.rest())
}

// row finds a value of mntr.
func row(t *testing.T, s *zktest.Server, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^zk_` + name + `\t(.*)$`).FindStringSubmatch(word(t, s, "mntr"))
	if m == nil {
		t.Fatalf("mntr has no zk_%s", name)
	}
	return m[1]
}

func TestConsTellsOfEachConnection(t *testing.T) {
	s := zktest.NewServer(t, allWords)
	c := connect(t, s)
	c.create("/a", "", 0)
	c.exists("/a", false)
	want := fmt.Sprintf(`(?m)^ /%s\[1\]\(queued=0,recved=3,sent=3,sid=0x%x,lop=EXIS,est=\d{13},to=10000,lcxid=0x2,lzxid=0x10000000\d,lresp=\d+,llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+\)\n \S+\[0\]\(queued=0,recved=1,sent=0\)\n\n$`,
		regexp.QuoteMeta(c.nc.LocalAddr().String()), uint64(c.conn.SessionID))
	if got := word(t, s, "cons"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("cons = %q, want a match of %q", got, want)
	}
	if got := word(t, s, "crst"); got != "Connection stats reset.\n" {
		t.Errorf("crst = %q", got)
	}
	if got := word(t, s, "cons"); !strings.Contains(got, "recved=0,sent=0,sid=") || !strings.Contains(got, "lop=NA") {
		t.Errorf("cons after crst = %q", got)
	}
	if got := row(t, s, "packets_received"); got == "0" || got == "1" {
		t.Errorf("crst took away %s", "what the server has received")
	}
}

func TestResetForgetsCountsAndLatencies(t *testing.T) {
	s := zktest.NewServer(t, allWords)
	c := connect(t, s)
	for i := range 5 {
		c.create(fmt.Sprintf("/%d", i), "", 0)
	}
	if got := row(t, s, "cnt_updatelatency"); got != "5" {
		t.Errorf("%s writes are counted, want 5", got)
	}
	if row(t, s, "cnt_fsynctime") == "0" || row(t, s, "max_client_response_size") == "-1" {
		t.Error("syncs or sizes of replies are not counted")
	}
	word(t, s, "srst")
	for name, want := range map[string]string{
		"cnt_updatelatency": "0", "bytes_received_count": "0", "response_bytes": "0", "max_client_response_size": "-1", "max_latency": "0",
	} {
		if got := row(t, s, name); got != want {
			t.Errorf("after srst %s is %s, want %s", name, got, want)
		}
	}
	c.exists("/0", false)
	if got := row(t, s, "cnt_readlatency"); got != "1" {
		t.Errorf("%s reads are counted after srst, want 1", got)
	}
}

func TestConnectionsThatComeToNoSessionAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.NewServer(t, zktest.InMemory, allWords)
		dial(t, s).closed() // after the deadline of a handshake
		gone := dial(t, s)
		gone.nc.Close() // of its own accord
		synctest.Wait()
		if got := row(t, s, "sessionless_connections_expired"); got != "1" {
			t.Errorf("%s connections are counted, want 1", got)
		}
	})
}

func TestDumpTellsOfSessionsAndTheirEphemerals(t *testing.T) {
	s := zktest.NewServer(t, allWords)
	c := connect(t, s)
	for _, path := range []string{"/f", "/e", "/g"} {
		c.create(path, "", wire.FlagEphemeral)
	}
	want := fmt.Sprintf(`(?s)^SessionTracker dump:\nSession Sets \(1\)/\(1\):\n1 expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}:\n\t0x%x\nephemeral nodes dump:\nSessions with Ephemerals \(1\):\n0x%[1]x:\n\t/e\n\t/f\n\t/g\nConnections dump:\nConnections Sets \(\d\)/\(2\):\n.*\tip: /%s sessionId: 0x%[1]x\n`,
		uint64(c.conn.SessionID), regexp.QuoteMeta(c.nc.LocalAddr().String()))
	if got := word(t, s, "dump"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("dump = %q, want a match of %q", got, want)
	}
}

func TestWatchWordsListDataWatches(t *testing.T) {
	s := zktest.NewServer(t, allWords)
	c := connect(t, s)
	c.exists("/a", true)
	c.exists("/b", true)
	id := fmt.Sprintf("0x%x", uint64(c.conn.SessionID))
	for name, want := range map[string]string{
		"wchs": "1 connections watching 2 paths\nTotal watches:2\n",
		"wchc": id + "\n\t/a\n\t/b\n\n",
		"wchp": "/a\n\t" + id + "\n/b\n\t" + id + "\n\n",
	} {
		if got := word(t, s, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestConfAndDirsTellOfTheDataDirectory(t *testing.T) {
	s := zktest.NewServer(t, allWords)
	if got := word(t, s, "conf"); !strings.Contains(got, "\ndataDir="+s.Dir()+"\n") || !strings.Contains(got, "\ntickTime=500\n") {
		t.Errorf("conf = %q", got)
	}
	if got := word(t, s, "dirs"); !regexp.MustCompile(`^datadir_size: [1-9]\d+\nlogdir_size: [1-9]\d+\n$`).MatchString(got) {
		t.Errorf("dirs = %q", got)
	}
	if got := word(t, s, "envi"); !strings.HasPrefix(got, "Environment:\nzookeeper.version=3.8.0-mw") {
		t.Errorf("envi = %q", got)
	}
}

func TestOperatorsAreAnsweredOverHTTP(t *testing.T) {
	for metrics, shared := range map[string]bool{"127.0.0.1:0": true, "localhost:0": false} {
		cfg := zkserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), File: "clientPort=2181\n",
			Operators: zkserver.Operators{Admin: "127.0.0.1:0", Metrics: metrics, ProcessMetrics: true}}
		server := run(t, cfg)
		var got map[string]any
		if err := json.Unmarshal([]byte(fetch(t, server.AdminAddr().String()+"/commands/monitor")), &got); err != nil {
			t.Fatal(err)
		}
		if got["znode_count"] != 5.0 && got["error"] != "This ZooKeeper instance is not currently serving requests" {
			t.Errorf("monitor: %v", got)
		}
		if text := fetch(t, server.MetricsAddr().String()+"/metrics"); !strings.Contains(text, "process_open_fds ") {
			t.Errorf("metrics: %q", text)
		}
		if same := server.AdminAddr().String() == server.MetricsAddr().String(); same != shared {
			t.Errorf("one address for both: %v, want %v", same, shared)
		}
	}
}

// An address that is taken is an error at once, and lets go of the others.
func TestAnAddressOfOperatorsInUseIsAnError(t *testing.T) {
	taken := run(t, zkserver.Config{Listen: "127.0.0.1:0", Dir: t.TempDir()})
	cfg := zkserver.Config{Listen: "127.0.0.1:0", Dir: filepath.Join(t.TempDir(), "d"), Operators: zkserver.Operators{Metrics: taken.Addr().String()}}
	if _, err := zkserver.Open(cfg); err == nil || !strings.Contains(err.Error(), "metrics: listen tcp "+taken.Addr().String()) {
		t.Errorf("open: %v", err)
	}
	if _, err := os.Stat(cfg.Dir); err == nil {
		t.Error("the data directory was made all the same")
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get("http://" + url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// run opens and runs a server until the test ends.
func run(t *testing.T, cfg zkserver.Config) *zkserver.Server {
	t.Helper()
	server, err := zkserver.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Run(t.Context()) }() // t.Context ends before the cleanups
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return server
}
