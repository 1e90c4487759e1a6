package ensemble

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"
)

// A recorder is a machine that remembers its batches.
type recorder struct{ batches []Batch }

func (r *recorder) Apply(b Batch)           { r.batches = append(r.batches, b) }
func (r *recorder) Capture() io.WriterTo    { return nil }
func (r *recorder) Restore(io.Reader) error { return nil }

func newApplier(m Machine) *applier {
	return &applier{
		machine: m, backlog: newBacklog(1000), roster: newRoster(), log: zerolog.Nop(), ready: make(chan struct{}), startTerm: 4,
		snapshots: newSnapshots(nil, newRoster(), 1<<40, 1<<40, zerolog.Nop()),
		position:  position{index: 10, term: 4, time: 100},
	}
}

func entry(index, term uint64, data []byte) *pb.Entry {
	return &pb.Entry{Index: &index, Term: &term, Data: data}
}

// The rules of the log: a batch proposed in another term than the one in which
// it was logged is skipped, the first entry of a term is shown, and time never
// falls.
func TestApplyFollowsTheRulesOfTheLog(t *testing.T) {
	m := &recorder{}
	a := newApplier(m)
	one := []Command{{Origin: 1, Seq: 1, Data: []byte("one")}}
	for _, e := range []*pb.Entry{
		entry(11, 4, encodeBatch(4, 90, one)),  // behind the snapshot's time
		entry(12, 5, nil),                      // a new leader
		entry(13, 5, encodeBatch(4, 500, one)), // proposed by the old one
		entry(14, 5, encodeBatch(5, 95, one)),  // its clock is behind
		entry(15, 5, encodeBatch(5, 120, one)),
	} {
		if err := a.apply(e); err != nil {
			t.Fatal(err)
		}
	}
	want := []Batch{
		{Index: 11, Term: 4, Time: 100, Version: 1, Commands: one},
		{Index: 12, Term: 5, Time: 100, Version: 1},
		{Index: 14, Term: 5, Time: 100, Version: 1, Commands: one},
		{Index: 15, Term: 5, Time: 120, Version: 1, Commands: one},
	}
	if diff := cmp.Diff(want, m.batches, cmpopts.IgnoreUnexported(Batch{})); diff != "" {
		t.Error(diff)
	}
	if got, want := a.position, (position{index: 15, term: 5, time: 120}); got != want {
		t.Errorf("position = %+v, want %+v", got, want)
	}
}

func TestReadyAtTheFirstEntryOfANewTerm(t *testing.T) {
	a := newApplier(&recorder{})
	isReady := func() bool {
		select {
		case <-a.ready:
			return true
		default:
			return false
		}
	}
	if err := a.apply(entry(11, 4, nil)); err != nil || isReady() {
		t.Errorf("ready after an entry of the old term, %v", err)
	}
	if err := a.apply(entry(12, 6, nil)); err != nil || !isReady() {
		t.Errorf("not ready after an entry of a new term, %v", err)
	}
}

func TestUnknownEntriesStopTheMember(t *testing.T) {
	conf := entry(11, 4, nil)
	conf.Type = pb.EntryConfChangeV2.Enum()
	conf.Data = []byte("garbage")
	for _, e := range []*pb.Entry{conf, entry(11, 4, []byte("garbage")), entry(11, 4, make([]byte, 30))} {
		if err := newApplier(&recorder{}).apply(e); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v was applied, %v", e, err)
		}
	}
}
