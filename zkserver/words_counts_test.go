package zkserver_test

import (
	"testing"

	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestMonitorCountsWhomEachChangeIsToldTo(t *testing.T) {
	s := zktest.NewServer(t, allWords)
	w, a, b := connect(t, s), connect(t, s), connect(t, s)
	a.exists("/x", true)
	b.exists("/x", true)
	w.create("/x", "", 0) // two hear of it
	w.create("/unseen", "", 0)
	a.wantEvent(wire.EventCreated, "/x")
	b.wantEvent(wire.EventCreated, "/x")
	a.exists("/x", true)
	w.set("/x", "1")
	a.wantEvent(wire.EventDataChanged, "/x")
	b.children("/x", true)
	w.create("/x/y", "", 0)
	b.wantEvent(wire.EventChildrenChanged, "/x")
	b.exists("/x/y", true)
	w.delete("/x/y")
	b.wantEvent(wire.EventDeleted, "/x/y")
	for name, want := range map[string]string{
		"cnt_node_created_watch_count": "1", "sum_node_created_watch_count": "2", "avg_node_created_watch_count": "2.0",
		"cnt_node_changed_watch_count": "1", "sum_node_changed_watch_count": "1",
		"sum_node_children_watch_count": "1", "max_node_deleted_watch_count": "1", "cnt_node_deleted_watch_count": "1",
		"cnt_dead_watchers_cleaner_latency": "0",
	} {
		if got := row(t, s, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if row(t, s, "cnt_propagation_latency") == "0" {
		t.Error("the way of transactions to the tree is not measured")
	}
	word(t, s, "srst")
	if got := row(t, s, "cnt_node_created_watch_count"); got != "0" {
		t.Errorf("after srst %s creations are counted", got)
	}
}

func TestMonitorCountsWhatAStartApplies(t *testing.T) {
	s := zktest.NewServer(t, allWords, zktest.OnDisk(waltest.New(1)))
	if got := row(t, s, "cnt_startup_txns_loaded"); got != "0" {
		t.Errorf("a new server has applied transactions at its start: %s", got)
	}
	c := connect(t, s)
	c.create("/x", "", wire.FlagPersistent)
	c.set("/x", "1")
	s.PowerCut()
	s.Restart()
	if got := row(t, s, "cnt_startup_txns_loaded"); got != "1" {
		t.Fatalf("%s starts are counted, want 1", got)
	}
	if got := row(t, s, "sum_startup_txns_loaded"); got != "3" {
		t.Errorf("%s transactions, want 3: a session and two writes", got)
	}
}
