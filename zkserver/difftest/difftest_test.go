package difftest_test

import (
	"flag"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/difftest"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/zktest"
)

var (
	seeds    = flag.Int("diff.seeds", 200, "how many seeds to run")
	requests = flag.Int("diff.requests", 20_000, "how many requests in all, over the seeds")
	seed     = flag.Uint64("diff.seed", 1, "the first seed")
	lanes    = flag.Int("diff.pairs", 2, "how many pairs of servers share the seeds")
	follower = flag.Int("diff.follower", 20, "of how many seeds one is run on a follower of three servers of ours, too; 0: of none")
	guarded  = flag.Int("diff.guarded", 20, "of how many seeds one is run with enforced quotas and the super user, too; 0: of none")
	secure   = flag.Int("diff.secure", 20, "of how many seeds one is run over TLS with certificates, too; 0: of none")
	keepOn   = flag.Int("diff.mismatches", 1, "how many mismatches to shrink and print before giving up")
)

// A pair is the two servers, and how many runs they have had.
type pair struct {
	t         *testing.T
	reference difftest.Server
	ours      difftest.Server
	runs      int
	log       func() string // the end of what the reference logged
}

// run sends s to both at the same time.
func (p *pair) run(s difftest.Stream) (*difftest.Mismatch, error) {
	p.runs++
	root := fmt.Sprintf("/s%06d", p.runs)
	var theirs, ours []difftest.Line
	var err1, err2 error
	var wg sync.WaitGroup
	wg.Go(func() { theirs, err1 = difftest.Run(p.reference, root, s) })
	wg.Go(func() { ours, err2 = difftest.Run(p.ours, root, s) })
	wg.Wait()
	if err1 != nil {
		return nil, fmt.Errorf("reference: %w", err1)
	}
	if err2 != nil {
		return nil, fmt.Errorf("ours: %w", err2)
	}
	return difftest.Compare(s, theirs, ours), nil
}

// shrink returns the mismatch of the least stream that still shows m.
func (p *pair) shrink(m *difftest.Mismatch) *difftest.Mismatch {
	deadline := time.Now().Add(30 * time.Second)
	difftest.Shrink(m.Stream, 2000, func(s difftest.Stream) bool {
		if time.Now().After(deadline) {
			return false
		}
		less, err := p.run(s)
		if err != nil || less == nil {
			return false
		}
		m = less
		return true
	})
	return m
}

// TestInteropDifferential wants our server to say what Apache ZooKeeper says. Most of
// its time goes by waiting, so that several pairs of servers share the seeds.
func TestInteropDifferential(t *testing.T) {
	reference.Need(t)
	for n := range *lanes {
		t.Run(fmt.Sprint("pair", n), func(t *testing.T) {
			t.Parallel()
			newPair(t, startOurs(t, 1)).lane(difftest.Plain, n, *lanes)
		})
	}
	if *follower > 0 {
		t.Run("follower", func(t *testing.T) {
			t.Parallel()
			newPair(t, startOurs(t, 3)).lane(difftest.Member, 0, *follower)
		})
	}
	if *guarded > 0 || *secure > 0 { // one pair for both: it takes seconds to start the reference
		t.Run("guarded and secure", func(t *testing.T) {
			t.Parallel()
			p := newSecurePair(t, "enforceQuota=true")
			p.lane(difftest.Guarded, 0, *guarded)
			p.lane(difftest.Secure, min(1, *secure), *secure)
		})
	}
}

// newPair starts the reference beside a server of ours. Each line is added to the
// reference's zoo.cfg.
func newPair(t *testing.T, ours string, lines ...string) *pair {
	t.Helper()
	r := reference.Start(t, lines...)
	return &pair{t: t, reference: difftest.Server{Addr: r.Addr()}, ours: difftest.Server{Addr: ours}, log: r.Log}
}

// newSecurePair is newPair for servers that enforce quotas, have super users and TLS.
func newSecurePair(t *testing.T, lines ...string) *pair {
	t.Helper()
	c := makeCerts(t)
	ours := c.startSecure(t, func(c *zkserver.Config) { c.EnforceQuotas, c.SuperDigest = true, reference.SuperDigest })
	secure := reference.FreeAddr(t)
	p := newPair(t, ours.Addr, append(c.lines(secure), lines...)...)
	p.reference.Secure, p.reference.TLS = secure, c.config
	p.ours = ours
	for deadline := time.Now().Add(time.Minute); ; { // it serves others before it listens for TLS
		nc, err := net.Dial("tcp", secure)
		if err == nil {
			nc.Close()
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("the reference does not listen for TLS: %v\n%s", err, p.log())
		}
		<-time.After(20 * time.Millisecond)
	}
}

// startOurs returns the address of a server of ours, alone or a follower of several,
// which waits for no disk, as the reference does not.
func startOurs(t *testing.T, members int, more ...func(*zkserver.Config)) string {
	options := append([]func(*zkserver.Config){func(c *zkserver.Config) {
		zktest.OnDisk(waltest.New(1))(c)
		c.MaxSessionTimeout, c.SweepInterval = 10*time.Minute, time.Hour
		c.Words = []string{"*"}
	}}, more...)
	if members == 1 {
		return zktest.NewServer(t, options...).Addr()
	}
	e := zktest.NewEnsemble(t, members, options...)
	leader := e.Leader()
	i := slices.IndexFunc(e.Servers(), func(s *zktest.Server) bool { return s != leader })
	return e.Servers()[i].Addr()
}

// lane runs every seed that is its own, from the n-th on.
func (p *pair) lane(profile difftest.Profile, n, step int) {
	if step == 0 {
		return
	}
	t := p.t
	per := max(1, *requests / *seeds)
	sent, ran, found, began := 0, 0, 0, time.Now()
	for i := n; i < *seeds; i += step {
		s := difftest.Generate(profile, *seed+uint64(i), per)
		sent, ran = sent+s.Len(), ran+1
		m, err := p.run(s)
		if err != nil {
			t.Fatalf("seed %d: %v\nthe reference's log ends:\n%s", s.Seed, err, p.log())
		}
		if m == nil {
			continue
		}
		t.Errorf("mismatch at seed %d:\n%v", s.Seed, p.shrink(m))
		if found++; found >= *keepOn {
			break
		}
	}
	t.Logf("%d requests, %d seeds from %d on by %d, %v", sent, ran, *seed+uint64(n), step, time.Since(began).Round(time.Millisecond))
}
