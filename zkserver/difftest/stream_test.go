package difftest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/difftest"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestSeedAlwaysGivesTheSameStream(t *testing.T) {
	one, two := difftest.Generate(difftest.Plain, 7, 200), difftest.Generate(difftest.Plain, 7, 200)
	if one.String() != two.String() {
		t.Error("one seed, two streams")
	}
	if n := one.Len(); n < 200 || n > 220 {
		t.Errorf("%d requests, want about 200", n)
	}
	if difftest.Generate(difftest.Plain, 8, 200).String() == one.String() {
		t.Error("two seeds, one stream")
	}
}

// TestServerAgreesWithItself: nothing that is each server's own affair is left in
// the lines.
func TestServerAgreesWithItself(t *testing.T) {
	c := makeCerts(t)
	var servers [2]difftest.Server
	for i := range servers {
		servers[i] = c.startSecure(t, func(c *zkserver.Config) { c.EnforceQuotas, c.SuperDigest = true, reference.SuperDigest })
	}
	profiles := []difftest.Profile{difftest.Plain, difftest.Guarded, difftest.Secure}
	for seed := range uint64(10) {
		s := difftest.Generate(profiles[seed%3], seed, 60)
		var lines [2][]difftest.Line
		for i, server := range servers {
			var err error
			// The second server has had another run more.
			if lines[i], err = difftest.Run(server, difftest.Root[:len(difftest.Root)-2]+string([]byte{'a' + byte(seed), '0' + byte(i)}), s); err != nil {
				t.Fatal(err)
			}
		}
		if m := difftest.Compare(s, lines[0], lines[1]); m != nil {
			t.Errorf("seed %d:\n%v", seed, m)
		}
	}
}

// TestGuardedStreamsMeetQuotas: they are of no use if quotas never refuse anything.
func TestGuardedStreamsMeetQuotas(t *testing.T) {
	addr := zktest.NewServer(t, zktest.OnDisk(waltest.New(1)), func(c *zkserver.Config) {
		c.MaxSessionTimeout, c.EnforceQuotas, c.SuperDigest = 10*time.Minute, true, reference.SuperDigest
	}).Addr()
	refused := 0
	for seed := uint64(1); seed < 40 && refused == 0; seed++ {
		lines, err := difftest.Run(difftest.Server{Addr: addr}, fmt.Sprintf("/g%06d", seed), difftest.Generate(difftest.Guarded, seed, 100))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.Code == wire.QuotaExceeded {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no request is refused by a quota")
	}
}

func TestCompareNamesTheFirstDifference(t *testing.T) {
	a := []difftest.Line{{Step: 1, Text: "one"}, {Step: 2, Text: "two"}, {Step: 3, Text: "three"}}
	b := []difftest.Line{{Step: 1, Text: "one"}, {Step: 2, Text: "2"}}
	m := difftest.Compare(difftest.Stream{Seed: 5}, a, b)
	if m == nil || m.Reference.Text != "two" || m.Ours.Text != "2" {
		t.Fatalf("mismatch %+v, want two and 2", m)
	}
	for _, want := range []string{"seed 5", "reference: step 2", "ours:      step 2"} {
		if !strings.Contains(m.String(), want) {
			t.Errorf("no %q in\n%v", want, m)
		}
	}
	if difftest.Compare(difftest.Stream{}, a, a) != nil {
		t.Error("equal lines differ")
	}
	if m := difftest.Compare(difftest.Stream{}, a, a[:2]); m == nil || m.Ours.Text != "" {
		t.Errorf("mismatch %+v, want a line that is missing", m)
	}
}

// TestShrinkKeepsWhatFails: two requests that only fail together are all that is
// left of a long stream.
func TestShrinkKeepsWhatFails(t *testing.T) {
	s := difftest.Generate(difftest.Plain, 3, 300)
	set := func(s difftest.Stream, xid int32) bool {
		for _, step := range s.Steps {
			for _, q := range step.Requests {
				if q.Xid == xid {
					return true
				}
			}
		}
		return false
	}
	fails := func(s difftest.Stream) bool { return set(s, 1) && set(s, 3) }
	if !fails(s) {
		t.Fatal("the stream has not the requests to begin with")
	}
	before := s.String()
	least := difftest.Shrink(s, 5000, fails)
	if least.Len() != 2 || len(least.Steps) != 2 || !fails(least) {
		t.Errorf("shrunk to\n%v", least)
	}
	if s.String() != before {
		t.Error("the stream that was passed has changed")
	}
}

func TestStreamIsReadable(t *testing.T) {
	rec := wire.DeleteRequest{Path: difftest.Root + "/a", Version: 3}
	s := difftest.Stream{Steps: []difftest.Step{
		{Client: 1, Do: difftest.Connect, Attach: difftest.KnownSession, Of: 2},
		{Client: 1, Do: difftest.Send, Requests: []difftest.Request{
			{Xid: 9, Op: wire.OpDelete, Body: rec.Append(nil)},
			{Xid: 10, Op: wire.OpDelete, Body: []byte{1}},
		}},
		{Client: 0, Do: difftest.Drop},
	}}
	for _, want := range []string{"client 1 connects, session of client 2", "xid 9 delete {Path:~/a Version:3}", "xid 10 delete body 01", "client 0 cuts"} {
		if !strings.Contains(s.String(), want) {
			t.Errorf("no %q in\n%v", want, s)
		}
	}
}
