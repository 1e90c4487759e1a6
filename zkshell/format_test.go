package zkshell

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

func TestStatIsZkClisBlock(t *testing.T) {
	got := formatStat(wire.Stat{
		Czxid: 0x1d, Mzxid: 0x2e, Ctime: 1_795_355_563_123, Mtime: 0, Version: 1, Cversion: -1, Aversion: 2,
		EphemeralOwner: -0x6fff_ffff_ffff_ffff, DataLength: 3, NumChildren: 4, Pzxid: 0x3f,
	}, time.UTC)
	want := `cZxid = 0x1d
ctime = Sun Nov 22 13:52:43 UTC 2026
mZxid = 0x2e
mtime = Thu Jan 01 00:00:00 UTC 1970
pZxid = 0x3f
cversion = -1
dataVersion = 1
aclVersion = 2
ephemeralOwner = 0x9000000000000001
dataLength = 3
numChildren = 4
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestEventsReadAsZkClis(t *testing.T) {
	tests := []struct {
		event wire.WatcherEvent
		want  string
	}{
		{wire.WatcherEvent{Type: wire.EventNone, State: wire.StateExpired}, "state:Expired type:None path:null"},
		{wire.WatcherEvent{Type: wire.EventChildWatchRemoved, State: wire.StateSyncConnected, Path: "/a"}, "state:SyncConnected type:ChildWatchRemoved path:/a"},
	}
	for _, tt := range tests {
		if got, want := formatEvent(tt.event), "\nWATCHER::\n\nWatchedEvent "+tt.want+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDataIsShownAsText(t *testing.T) {
	for data, want := range map[string]string{"": "\n", "ünï": "ünï\n", "a\xffb": "a\uFFFDb\n"} {
		if got := formatData([]byte(data)); got != want {
			t.Errorf("%q is shown as %q, want %q", data, got, want)
		}
	}
	if got := formatData(nil); got != "null\n" {
		t.Errorf("null is shown as %q", got)
	}
}

func TestRefusalsAreZkClisSentences(t *testing.T) {
	tests := []struct {
		r    refusal
		want string
	}{
		{refusal{wire.NodeExists, "/x"}, "Node already exists: /x"},
		{refusal{wire.InvalidACL, noPath}, "Acl is not valid : null"},
		{refusal{wire.Unimplemented, "/x"}, "KeeperErrorCode = Unimplemented for /x"},
		{refusal{wire.ReconfigDisabled, ""}, "KeeperErrorCode = Reconfig is disabled"},
		{refusal{-999, "/x"}, "KeeperErrorCode = Unknown error -999 for /x"},
		{refusal{wire.ReconfigInProgress, ""}, "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)"},
	}
	for _, tt := range tests {
		if got := tt.r.Error(); got != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.r, got, tt.want)
		}
	}
}

func TestACLsAreReadAndShown(t *testing.T) {
	var warn strings.Builder
	acl := parseACL("world:anyone:rwx,bad,digest:a:b:c:cdrwa", &warn)
	want := []wire.ACL{
		{Scheme: "world", ID: "anyone", Perms: wire.PermRead | wire.PermWrite},
		{Scheme: "digest", ID: "a:b:c", Perms: wire.PermAll},
	}
	if !slices.Equal(acl, want) {
		t.Errorf("acl = %+v, want %+v", acl, want)
	}
	if got, want := warn.String(), "Unknown perm type: x\nbad does not have the form scheme:id:perm\n"; got != want {
		t.Errorf("warnings = %q, want %q", got, want)
	}
	if got, want := formatACL(acl[1]), "'digest,'a:b:c\n: cdrwa\n"; got != want {
		t.Errorf("shown as %q, want %q", got, want)
	}
}

func TestStatsTrackKeepsTheReferencesForm(t *testing.T) {
	const text = "count=-1,bytes=100=;byteHardLimit=1;countHardLimit=7"
	track := parseTrack(text)
	if got := track.String(); got != text {
		t.Errorf("%s is written as %s", text, got)
	}
	if got := parseTrack("count=5,bytes=6").String(); got != "count=5,bytes=6" {
		t.Errorf("an old one is written as %s", got)
	}
	for _, junk := range []string{"", "x", "count=", "count=x;;==", ",;="} {
		if got := parseTrack(junk).get(trackCount); got != -1 {
			t.Errorf("count of %q = %d, want no limit", junk, got)
		}
	}
	used := statsTrack{trackCount: 8, trackBytes: 2}
	want := "[Warning]: the count quota you create is less than the existing count:8\n" +
		"[Warning]: the bytes quota you create is less than the existing bytes:2\n"
	if got := track.warnings(used); got != want {
		t.Errorf("warnings = %q, want %q", got, want)
	}
}

func TestConnectStringNamesClientPorts(t *testing.T) {
	config := "server.1=a:2888:3888:participant;a:2181\nserver.2=b:2888:3888:participant;2182\nversion=100000000\n"
	if got, want := connectString(config), "100000000 a:2181,0.0.0.0:2182"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := connectString(""); got != " " {
		t.Errorf("of nothing = %q, want a space", got)
	}
}

func TestTabCompletes(t *testing.T) {
	tree := map[string][]string{"/": {"app", "apple", "zoo"}, "/app": {"one", "ünï", "ünx"}}
	tests := []struct {
		before, want string
		candidates   []string
	}{
		{"his", "history ", nil},
		{"getA", "getA", []string{"getAcl", "getAllChildrenNumber"}},
		{"de", "del", []string{"delete", "deleteall", "delquota"}},
		{"nothing", "nothing", nil},
		{"ls /z", "/zoo", nil},
		{"ls /a", "/app", []string{"app", "apple"}},
		{"ls /app/o", "/app/one", nil},
		{`get "/app/o`, `"/app/one`, nil},
		{"get /app/ü", "/app/ün", []string{"ünx", "ünï"}},
		{"get app", "app", nil},
		{"get /none/x", "/none/x", nil},
	}
	for _, tt := range tests {
		_, with, candidates := complete(tt.before, func(parent string) []string { return slices.Clone(tree[parent]) })
		if with != tt.want || !slices.Equal(candidates, tt.candidates) {
			t.Errorf("complete(%q) = %q %q, want %q %q", tt.before, with, candidates, tt.want, tt.candidates)
		}
	}
}
