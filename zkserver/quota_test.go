package zkserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

const statsOfQ = "/zookeeper/quota/q/zookeeper_stats"

// quotaOnQ sets a quota on /q, which it creates.
func (c *client) quotaOnQ(limits string) {
	c.t.Helper()
	c.create("/q", "12345", 0)
	c.create("/zookeeper/quota/q", "", 0)
	c.create("/zookeeper/quota/q/zookeeper_limits", limits, 0)
	out, code := c.createAs(wire.OpCreate2, statsOfQ, 0, 0)
	if code != wire.OK || out.Stat.DataLength != 0 {
		c.t.Fatalf("create stats = %+v, %v", out, code)
	}
}

// The numbers are those of Apache ZooKeeper 3.8.0 with enforceQuota.
func TestHardQuotaRefuses(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.EnforceQuotas = true })
	c := connect(t, s)
	c.quotaOnQ("count=2,bytes=10=;byteHardLimit=12;countHardLimit=3")
	check := func(want string) {
		t.Helper()
		if got, stat, _ := c.get(statsOfQ, false); got != want || stat.Version != 0 || stat.Mzxid != stat.Czxid {
			t.Errorf("stats = %s %+v, want %s as it was created", got, stat, want)
		}
	}
	check("count=1,bytes=5")
	c.create("/q/1", "", 0)
	c.create("/q/2", "1", 0)
	if _, code := c.createAs(wire.OpCreate, "/q/3", 0, 0); code != wire.QuotaExceeded {
		t.Errorf("one znode too many: %v", code)
	}
	for _, tt := range []struct {
		data    string
		version int32
		want    wire.Code
	}{{"123456789012", -1, wire.QuotaExceeded}, {"12345678901", -1, wire.OK}, {"123456789012345", 5, wire.QuotaExceeded}, {"1", 5, wire.BadVersion}} {
		r := c.do(wire.OpSetData, &wire.SetDataRequest{Path: "/q", Data: []byte(tt.data), Version: tt.version}, nil)
		if r.Err != tt.want {
			t.Errorf("set %d bytes at version %d: %v, want %v", len(tt.data), tt.version, r.Err, tt.want)
		}
	}
	check("count=3,bytes=12")
	s.Restart()
	c = connect(t, s)
	check("count=3,bytes=12")
	if _, code := c.createAs(wire.OpCreate, "/q/3", 0, 0); code != wire.QuotaExceeded {
		t.Errorf("one znode too many after a restart: %v", code)
	}
}

func TestQuotaIsOnlyCountedByDefault(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.quotaOnQ("count=1,bytes=1=;byteHardLimit=1;countHardLimit=1")
	c.get(statsOfQ, true)
	c.create("/q/1", "1234567", 0)
	if got, _, _ := c.get(statsOfQ, false); got != "count=2,bytes=12" {
		t.Errorf("stats = %s", got)
	}
	c.send(wire.OpDelete, &wire.DeleteRequest{Path: statsOfQ, Version: -1})
	c.awaitDeleted(statsOfQ) // and not, before it, that its data changed
}

func TestSoftQuotaIsLogged(t *testing.T) {
	log := make(lines, 1000)
	c := connect(t, zktest.NewServer(t, func(cfg *zkserver.Config) {
		cfg.EnforceQuotas = true
		cfg.Log = zerolog.New(log)
	}))
	c.quotaOnQ("count=1,bytes=-1")
	c.create("/q/1", "", 0)
	deadline := time.After(10 * time.Second)
	for {
		select {
		case line := <-log:
			if strings.Contains(line, "soft quota exceeded") && strings.Contains(line, `"path":"/q"`) {
				return
			}
		case <-deadline:
			t.Fatal("no line says so")
		}
	}
}

// TestQuotasSurviveAnotherConfiguration: what was refused stays refused when the
// log is read by a server that enforces nothing, and the other way round.
func TestQuotasSurviveAnotherConfiguration(t *testing.T) {
	for _, enforced := range []bool{true, false} {
		dir := t.TempDir()
		in := func(enforce bool) func(*zkserver.Config) {
			return func(cfg *zkserver.Config) { cfg.Dir, cfg.EnforceQuotas = dir, enforce }
		}
		first := zktest.NewServer(t, in(enforced))
		c := connect(t, first)
		c.quotaOnQ("countHardLimit=1")
		_, code := c.createAs(wire.OpCreate, "/q/1", 0, 0)
		first.Stop()
		c = connect(t, zktest.NewServer(t, in(!enforced)))
		if c.exists("/q/1", false) != (code == wire.OK) {
			t.Errorf("enforced %v: create was answered %v, and after the restart it is the other way", enforced, code)
		}
	}
}

func TestReservedSubtreeDoesNoHarm(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.EnforceQuotas = true })
	c := connect(t, s)
	c.create("/zookeeper/quota/a", "", 0)
	for _, path := range []string{"/zookeeper/quota/zookeeper_limits", "/zookeeper/quota/zookeeper_stats"} {
		if _, code := c.createAs(wire.OpCreate, path, 0, 0); code != wire.BadArguments {
			t.Errorf("create %s: %v, want bad arguments", path, code)
		}
	}
	c.create("/zookeeper/quota/a/zookeeper_stats", "", 0)
	r := c.do(wire.OpSetData, &wire.SetDataRequest{Path: "/zookeeper/quota/a/zookeeper_stats", Data: []byte("banana"), Version: -1}, nil)
	if r.Err != wire.BadArguments {
		t.Errorf("stats set to what is none: %v, want bad arguments", r.Err)
	}
	s.Restart()
	connect(t, s).create("/a", "", 0)
}
