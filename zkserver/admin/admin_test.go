package admin

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A fixed source always reports the same, and counts resets.
type fixed struct {
	Report_       Report
	server, conns int
	needed        Need
}

func (f *fixed) Report(n Need) Report { f.needed |= n; return f.Report_ }
func (f *fixed) ResetServer()         { f.server++ }
func (f *fixed) ResetConns()          { f.conns++ }

var at = time.Date(2026, 11, 22, 13, 41, 22, 0, time.UTC)

func sample() *fixed {
	return &fixed{Report_: Report{
		Version: "3.8.0-mw, built on 01/01/2026 00:00 UTC", Mode: "standalone", Serving: true, Uptime: 75623 * time.Millisecond,
		Zxid: 7, Znodes: 10, Ephemerals: 3, DataBytes: 67, Alive: 2,
		Open: 3, Outstanding: 0, Received: 20, Sent: 22, BytesIn: 625, BytesOut: 628, LastOut: 16, MinOut: 16, MaxOut: 88,
		Latency:     Summary{Count: 18, Sum: 47, Min: 0.2, Max: 18},
		ReadLatency: Summary{Count: 11, Sum: 10, Max: 3, Quantiles: []Quantile{{0.5, 0}, {0.9, 2}, {0.95, 3}, {0.99, 3}, {0.999, 3}}},
		WatchCount:  5, DataWatches: 4, DataPaths: 3, DataWatched: 2, WatchBytes: 30, OpenFiles: 89, MaxFiles: 20000,
		Counters: map[string]int64{"auth_failed_count": 1, "connection_request_count": 2},
		Settings: Settings{
			ClientPort: 22181, SecureClientPort: -1, DataDir: "/d/version-2", LogDir: "/l", Tick: 500 * time.Millisecond,
			MaxClientConns: 60, MinSessionTimeout: time.Second, MaxSessionTimeout: 10 * time.Second, Backlog: -1,
			File: "clientPort=22181\nssl.keyStore.password=*****\n",
		},
		Conns: []Conn{
			{Addr: "127.0.0.1:51708", Session: 0x10000affd8b0001, Received: 11, Sent: 12, LastOp: "PING", Established: time.UnixMilli(1795354872378),
				Timeout: 10 * time.Second, LastXid: 9, LastZxid: 7, LastReply: 11607905 * time.Millisecond, Last: time.Millisecond, Max: 3 * time.Millisecond, Expires: at},
			{Addr: "127.0.0.1:51732", Received: 1, Expires: at, TLS: true},
		},
		Watches: []Watch{{2, "/x/y"}, {2, "/x"}, {1, "/x"}},
		Sessions: []Session{
			{ID: 1, Expires: at, Ephemerals: []string{"/e3", "/x/e2"}}, {ID: 2, Expires: at}, {ID: 3, Expires: at.Add(-time.Second)},
		},
		DataDirSize: 100, LogDirSize: 200,
		Env: []Pair{{"zookeeper.version", "3.8.0-mw"}, {"os.name", "Linux"}},
	}}
}

func say1(t *testing.T, src Source, name string) string {
	t.Helper()
	w, _ := NewWhitelist([]string{"*"})
	var b bytes.Buffer
	if err := w.Write(&b, name, src); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wordsToTheLetter are what Apache ZooKeeper 3.8.0 printed in the state of sample, but
// for the version and the order of lines that come out of Java's hash tables.
var wordsToTheLetter = map[string]string{
	"ruok": "imok",
	"isro": "rw",
	"srvr": `Zookeeper version: 3.8.0-mw, built on 01/01/2026 00:00 UTC
Latency min/avg/max: 0/2.6111/18
Received: 20
Sent: 22
Connections: 3
Outstanding: 0
Zxid: 0x7
Mode: standalone
Node count: 10
`,
	"stat": `Zookeeper version: 3.8.0-mw, built on 01/01/2026 00:00 UTC
Clients:
 /127.0.0.1:51708[1](queued=0,recved=11,sent=12)
 /127.0.0.1:51732[0](queued=0,recved=1,sent=0)

Latency min/avg/max: 0/2.6111/18
Received: 20
Sent: 22
Connections: 3
Outstanding: 0
Zxid: 0x7
Mode: standalone
Node count: 10
`,
	"conf": `clientPort=22181
secureClientPort=-1
dataDir=/d/version-2
dataDirSize=100
dataLogDir=/l
dataLogSize=200
tickTime=500
maxClientCnxns=60
minSessionTimeout=1000
maxSessionTimeout=10000
clientPortListenBacklog=-1
serverId=0
`,
	"cons": ` /127.0.0.1:51708[1](queued=0,recved=11,sent=12,sid=0x10000affd8b0001,lop=PING,est=1795354872378,to=10000,lcxid=0x9,lzxid=0x7,lresp=11607905,llat=1,minlat=0,avglat=0,maxlat=3)
 /127.0.0.1:51732[0](queued=0,recved=1,sent=0)

`,
	"dirs": "datadir_size: 100\nlogdir_size: 200\n",
	"dump": `SessionTracker dump:
Session Sets (2)/(3):
1 expire at Sun Nov 22 13:41:21 UTC 2026:
	0x3
2 expire at Sun Nov 22 13:41:22 UTC 2026:
	0x1
	0x2
ephemeral nodes dump:
Sessions with Ephemerals (1):
0x1:
	/e3
	/x/e2
Connections dump:
Connections Sets (1)/(2):
2 expire at Sun Nov 22 13:41:22 UTC 2026:
	ip: /127.0.0.1:51708 sessionId: 0x10000affd8b0001
	ip: /127.0.0.1:51732 sessionId: 0x0
`,
	"envi": "Environment:\nzookeeper.version=3.8.0-mw\nos.name=Linux\n",
	"wchs": "2 connections watching 3 paths\nTotal watches:4\n",
	"wchc": "0x1\n\t/x\n0x2\n\t/x\n\t/x/y\n\n",
	"wchp": "/x\n\t0x1\n\t0x2\n/x/y\n\t0x2\n\n",
	"crst": "Connection stats reset.\n",
	"srst": "Server stats reset.\n",
	"hash": "",
	"gtmk": "gtmk is not executed because it is not in the whitelist.\n",
}

func TestWordsAreToTheLetter(t *testing.T) {
	for name, want := range wordsToTheLetter {
		if diff := cmp.Diff(want, say1(t, sample(), name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMonitorHasTheReferencesLines(t *testing.T) {
	got := say1(t, sample(), "mntr")
	for _, want := range []string{
		"zk_version\t3.8.0-mw, built on 01/01/2026 00:00 UTC", "zk_server_state\tstandalone", "zk_avg_latency\t2.6111",
		"zk_watch_count\t5", "zk_auth_failed_count\t1", "zk_connection_drop_probability\t0.0", "zk_max_file_descriptor_count\t20000",
		"zk_bytes_received_count\t625", "zk_connection_request_count\t2", "zk_cnt_readlatency\t11", "zk_avg_readlatency\t0.9091",
		"zk_p95_readlatency\t3", "zk_p50_readlatency\t0", "zk_avg_commit_process_time\t0.0", "zk_uptime\t75623",
	} {
		if !strings.Contains("\n"+got, "\n"+want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
	if line := regexp.MustCompile(`^zk_[a-z0-9_]+\t\S.*$`); got != "" {
		for l := range strings.Lines(got) {
			if !line.MatchString(strings.TrimSuffix(l, "\n")) {
				t.Errorf("line %q is not of the form", l)
			}
		}
	}
	if strings.Contains(got, "socket_closing_time") {
		t.Error("socket_closing_time is shown, but not measured")
	}
}

func TestOnlyWordsOfTheWhitelistAreAnswered(t *testing.T) {
	w, unknown := NewWhitelist([]string{"srvr", "isro", "gtmk", "nope"})
	if diff := cmp.Diff([]string{"gtmk", "nope"}, unknown); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	src := sample()
	w.Write(&b, "srst", src)
	if got := b.String(); got != "srst is not executed because it is not in the whitelist.\n" || src.server != 0 {
		t.Errorf("srst: %q, %d resets", got, src.server)
	}
	for _, s := range []string{"srvr", "mntr", "stmk"} {
		if !IsWord(s) {
			t.Errorf("%s is no word", s)
		}
	}
	if IsWord("\x00\x00\x00\x2d") || IsWord("help") {
		t.Error("what is no word is taken for one")
	}
}

func TestWhileItRecoversAServerSaysSo(t *testing.T) {
	src := sample()
	src.Report_.Serving = false
	if got := say1(t, src, "srvr"); got != "This ZooKeeper instance is not currently serving requests\n" {
		t.Errorf("srvr: %q", got)
	}
	if got := say1(t, src, "ruok"); got != "imok" {
		t.Errorf("ruok: %q", got)
	}
}

func TestWordsAskForNoMoreThanTheyNeed(t *testing.T) {
	src := sample()
	for _, name := range []string{"srvr", "mntr", "ruok", "isro", "wchs"} {
		say1(t, src, name)
	}
	if src.needed != 0 {
		t.Errorf("parts %b were asked for", src.needed)
	}
}

// get asks the AdminServer.
func get(t *testing.T, src Source, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(src, "/commands").ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

// The fields are those that Apache ZooKeeper 3.8.0 answered, in its order.
func TestCommandsHaveTheReferencesFields(t *testing.T) {
	tests := map[string]string{
		"configuration":         "client_port data_dir data_log_dir tick_time max_client_cnxns min_session_timeout max_session_timeout server_id client_port_listen_backlog command error",
		"connections":           "connections secure_connections command error",
		"dirs":                  "datadir_size logdir_size command error",
		"dump":                  "expiry_time_to_session_ids session_id_to_ephemeral_paths command error",
		"hash":                  "digests command error",
		"initial_configuration": "initial_configuration command error",
		"is_read_only":          "read_only command error",
		"last_snapshot":         "zxid timestamp command error",
		"leader":                "error command",
		"observers":             "synced_observers observers command error",
		"ruok":                  "command error",
		"server_stats":          "version read_only server_stats client_response node_count command error",
		"stats":                 "version read_only server_stats client_response node_count connections secure_connections command error",
		"voting_view":           "current_config command error",
		"watch_summary":         "num_connections num_paths num_total_watches command error",
		"watches":               "session_id_to_watched_paths command error",
		"watches_by_path":       "path_to_session_ids command error",
		"zabstate":              "voting zabstate command error",
		"stat_reset":            "command error",
		"nosuch":                "command error",
	}
	for name, want := range tests {
		code, body := get(t, sample(), "/commands/"+name)
		if code != 200 {
			t.Errorf("%s: status %d", name, code)
		}
		if got := strings.Join(topFields(t, body), " "); got != want {
			t.Errorf("%s has fields %s, want %s", name, got, want)
		}
	}
}

// topFields lists the fields of a JSON object in order.
func topFields(t *testing.T, body string) (names []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.Token()
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var skip any
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestCommandsAnswerByTheirWordsToo(t *testing.T) {
	src := sample()
	for word, name := range map[string]string{"srvr": "server_stats", "mntr": "monitor", "cons": "connections", "srst": "stat_reset", "crst": "connection_stat_reset"} {
		_, body := get(t, src, "/commands/"+word)
		if !strings.Contains(body, `"command": "`+name+`"`) {
			t.Errorf("%s: %s", word, body)
		}
	}
	if src.server != 1 || src.conns != 1 {
		t.Errorf("%d and %d resets, want one each", src.server, src.conns)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	_, body := get(t, sample(), "/commands/initial_configuration")
	if !strings.Contains(body, `"clientPort=22181\nssl.keyStore.password=*****\n"`) {
		t.Error(body)
	}
}

func TestSecureConnectionsStandApart(t *testing.T) {
	_, body := get(t, sample(), "/commands/connections")
	var got struct {
		Connections, Secure_connections []map[string]any
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Connections) != 1 || len(got.Secure_connections) != 1 || got.Connections[0]["last_operation"] != "PING" {
		t.Errorf("%+v", got)
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	for path, want := range map[string]int{"/": 404, "/commandsx": 404, "/commands/a/b": 404, "/commands": 200, "/commands/": 200} {
		if code, _ := get(t, sample(), path); code != want {
			t.Errorf("%s: status %d, want %d", path, code, want)
		}
	}
	src, w := sample(), httptest.NewRecorder()
	Handler(src, "/commands").ServeHTTP(w, httptest.NewRequest("POST", "/commands/srst", nil))
	if w.Code != 405 || src.server != 0 {
		t.Errorf("POST: status %d, %d resets", w.Code, src.server)
	}
}

func TestPrometheusHasTheReferencesNames(t *testing.T) {
	w := httptest.NewRecorder()
	MetricsHandler(sample(), true).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		"# TYPE znode_count gauge\nznode_count 10\n", "# TYPE bytes_received_count counter\nbytes_received_count 625\n",
		"# TYPE readlatency summary\nreadlatency{quantile=\"0.5\"} 0\nreadlatency{quantile=\"0.9\"} 2\nreadlatency{quantile=\"0.99\"} 3\nreadlatency_sum 10\nreadlatency_count 11\n",
		"avg_latency 2.6111\n", "updatelatency{quantile=\"0.5\"} NaN\n", "process_open_fds ", "go_goroutines ",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	w = httptest.NewRecorder()
	MetricsHandler(sample(), false).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if strings.Contains(w.Body.String(), "go_goroutines") {
		t.Error("metrics of the process are there, though not asked for")
	}
}

func TestNumbersLookAsJavasDo(t *testing.T) {
	for x, want := range map[float64]string{0: "0.0", 2.61111: "2.6111", 1: "1.0", 0.5: "0.5", 1234567.25: "1234567.25"} {
		if got := decimal(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}
