package zkserver

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/zkserver/admin"
	"github.com/mwqueue/mw/zkserver/ensemble"
)

// proposals counts the commands of an ensemble that are applied here, and their
// sizes while this member leads. Apply adds, anybody may ask.
type proposals struct {
	leading atomic.Bool
	since   atomic.Int64 // ns on the wall clock, when leading began

	led, followed atomic.Int64

	mu    sync.Mutex  // protects sizes
	sizes admin.Sizes // plus 1; 0 for none
}

func (p *proposals) add(commands []ensemble.Command) {
	if !p.leading.Load() {
		p.followed.Add(int64(len(commands)))
		return
	}
	p.led.Add(int64(len(commands)))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range commands {
		n := int64(len(commands[i].Data)) + 1
		p.sizes.Last, p.sizes.Max = n, max(p.sizes.Max, n)
		if p.sizes.Min == 0 || n < p.sizes.Min {
			p.sizes.Min = n
		}
	}
}

func (p *proposals) reset() {
	p.led.Store(0)
	p.followed.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sizes = admin.Sizes{}
}

func (p *proposals) sizesNow() admin.Sizes {
	p.mu.Lock()
	defer p.mu.Unlock()
	return admin.Sizes{Last: p.sizes.Last - 1, Min: p.sizes.Min - 1, Max: p.sizes.Max - 1}
}

// watchRole measures how long there is no leader, until ctx ends.
func (s *Server) watchRole(ctx context.Context) error {
	lost := time.Now()
	had := false
	for {
		changed := s.node.RoleChanged()
		role := s.node.Role()
		role.HasLeader = role.HasLeader || role.Leading
		switch {
		case role.HasLeader && !had:
			s.stats.noLeader.add(time.Since(lost))
		case had && !role.HasLeader:
			lost = time.Now()
		}
		had = role.HasLeader
		if p := &s.stats.proposals; p.leading.Swap(role.Leading) != role.Leading {
			p.since.Store(time.Now().UnixNano())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// reportMembers fills in what a member knows of its ensemble.
func (s *Server) reportMembers(rep *admin.Report) {
	e := &s.cfg.Ensemble
	if e.alone() {
		return
	}
	rep.Settings.ServerID = e.Number
	role, status := s.node.Role(), s.node.Status()
	q := &admin.Quorum{
		Number: e.Number, Term: role.Term, Leader: -1, Commit: status.Commit, Applied: status.Applied,
		InitLimit: e.InitLimit, SyncLimit: e.SyncLimit,
		NoLeader: summarize(&s.stats.noLeader), Proposals: s.stats.proposals.sizesNow(),
		ProposalCount: s.stats.proposals.led.Load(), AckedCount: s.stats.proposals.followed.Load(),
	}
	if role.HasLeader {
		q.Leader = role.Leader
		leader, _ := s.findMember(role.Leader)
		q.Host, _, _ = net.SplitHostPort(leader.Address)
	}
	if role.Leading { // it may have no number yet, if it ran alone before
		q.Leader, role.HasLeader = e.Number, true
	}
	rep.Quorum = q
	rep.Mode = s.mode(role)
	rep.Serving = rep.Serving && (role.HasLeader && s.serves() || s.isReadOnly())
	rep.ReadOnly = s.isReadOnly()
	s.describeMembers(q)
	if !role.Leading {
		return
	}
	q.Uptime = time.Since(time.Unix(0, s.stats.proposals.since.Load()))
	q.Members = s.learners(status)
}

// learners are those that the leader gives the log, and those that have yet to come.
func (s *Server) learners(status ensemble.Status) (all []admin.Member) {
	there := make(map[int]bool)
	for _, m := range status.Members {
		all = append(all, admin.Member{
			Number: m.Number, Observer: s.observes(m.Number) && !m.Votes, Votes: m.Votes, Active: m.Active, Lag: status.Commit - min(m.Match, status.Commit),
		})
		there[m.Number] = true
	}
	for _, m := range s.members() {
		switch {
		case there[m.Number]:
		case m.Number == s.cfg.Ensemble.Number: // the only one that votes
			all = append(all, admin.Member{Number: m.Number, Votes: true, Active: true})
		default:
			all = append(all, admin.Member{Number: m.Number, Observer: m.Observer, Lag: status.Commit})
		}
	}
	return all
}

// mode is what the server calls itself.
func (s *Server) mode(role ensemble.Role) string {
	switch {
	case s.isReadOnly():
		return "read-only"
	case role.Leading:
		return "leader"
	case s.observes(s.cfg.Ensemble.Number):
		return "observer"
	}
	return "follower"
}

// members are those of the ensemble as the log has them, or as configured while
// nothing is known of it.
func (s *Server) members() []ensemble.Member {
	if known := s.stats.members.Load(); known != nil {
		return *known
	}
	return s.cfg.Ensemble.list()
}

// findMember finds one of the members.
func (s *Server) findMember(number int) (ensemble.Member, bool) {
	all := s.members()
	i := slices.IndexFunc(all, func(m ensemble.Member) bool { return m.Number == number })
	if i < 0 {
		return ensemble.Member{}, false
	}
	return all[i], true
}

// describeMembers lists the members as conf does: in the text of the znode that
// clients see, if it has them.
func (s *Server) describeMembers(q *admin.Quorum) {
	q.Version = s.membersText(q)
	listed := len(q.Config) > 0
	for _, m := range s.members() {
		if !listed {
			q.Config = append(q.Config, fmt.Sprintf("server.%d=%s", m.Number, m.Spec))
		}
		if !m.Observer {
			q.Voters++
		}
		if m.Number == q.Number {
			_, port, _ := net.SplitHostPort(m.Address)
			q.QuorumPort, _ = strconv.Atoi(port)
		}
	}
	if self, ok := s.cfg.Ensemble.self(); ok {
		q.ElectionPort = self.ElectionPort
	}
}

// membersText adds the lines of /zookeeper/config and returns its version.
func (s *Server) membersText(q *admin.Quorum) (version int64) {
	s.replica.mu.RLock()
	data, _, err := s.replica.tree.Get("/zookeeper/config", nil)
	s.replica.mu.RUnlock()
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "version="); ok {
			version, _ = strconv.ParseInt(text, 16, 64)
		} else if strings.HasPrefix(line, "server.") {
			q.Config = append(q.Config, line)
		}
	}
	return version
}

// observes reports whether a member has no vote.
func (s *Server) observes(number int) bool {
	m, ok := s.findMember(number)
	return ok && m.Observer
}
