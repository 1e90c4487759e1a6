package ensemble

import "slices"

// missWho looks for members that have fallen silent while one with their number
// and an empty directory says hello.
func (l *loop) missWho() {
	c := &l.carrier
	for number := range c.silent {
		if _, ok := l.applicant(number); !ok {
			delete(c.silent, number)
		}
	}
	for number := range l.applicants {
		if v, ok := l.applicant(number); !ok || !v.blank() || l.active(number) {
			delete(c.silent, number)
			continue
		}
		if c.silent == nil {
			c.silent = make(map[int]int)
		}
		c.silent[number]++
	}
}

// ownWish is what the leader wishes itself: that one who was awaited is a member,
// that one takes the place of what it was before it lost its directory, or that one
// who was a member and is silent gets the log no more. It is nil if there is nothing
// to wish.
func (l *loop) ownWish(m *membership) []server {
	if slices.ContainsFunc(m.servers, func(s server) bool { return s.standing == leaving && !l.lives(s.raft) }) {
		return onList(m.servers)
	}
	for _, s := range inTurn(m.servers, l.carrier.tried) {
		v, ok := l.applicant(s.number)
		is, expected := s.standing.here()
		_, joins := m.joins(s.number)
		switch {
		case expected && joins: // for a wish whose place another one took
			s.standing, l.carrier.tried = is, s.number
			return replaced(m.servers, s)
		case !ok || knownMember(m, s.number, v.directory):
			continue
		case expected:
			s.standing = is
		case s.counts() && v.blank() && s.raft != l.peers.self && l.carrier.silent[s.number] >= swapLooks:
			l.log.Warn().Int("member", s.number).Msg("member has lost its data directory and takes its own place as a new one")
		default:
			continue
		}
		s.directory, s.raft = v.directory, v.memberID(l.id.cluster, s.number)
		l.carrier.tried = s.number
		return replaced(m.servers, s)
	}
	return nil
}

// inTurn is the servers, in order, from the one behind a number on: so that one that
// gets nowhere is not tried again before the others.
func inTurn(servers []server, behind int) []server {
	i, _ := slices.BinarySearchFunc(servers, behind+1, func(s server, number int) int { return s.number - number })
	return slices.Concat(servers[i:], servers[:i])
}

// onList is the servers that are listed.
func onList(servers []server) []server {
	return slices.DeleteFunc(slices.Clone(servers), func(s server) bool { return !s.listed() })
}

// replaced is the servers that are listed, with another one of that number.
func replaced(servers []server, s server) []server {
	servers = slices.DeleteFunc(onList(servers), func(is server) bool { return is.number == s.number })
	servers = append(servers, s)
	sortServers(servers)
	return servers
}

// adoptees are the members of a server that ran alone: itself, and those it was
// configured with, who are awaited.
func (l *loop) adoptees() []server {
	var servers []server
	for _, c := range l.peers.configured {
		s := server{number: c.Number, address: c.Address, spec: c.Spec, standing: awaited}
		if c.Observer {
			s.standing = awaitedObserver
		}
		if c.Number == l.id.number {
			s.standing, s.raft, s.directory = voter, l.id.member, l.id.directory
		}
		servers = append(servers, s)
	}
	sortServers(servers)
	return servers
}
