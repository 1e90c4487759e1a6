package zkserver

import (
	"context"
	"time"
)

// A standing says whether clients may be served, as far as the other members go.
type standing int32

const (
	serving standing = iota

	// cutOff: there is no leader, or none that hears this member, or the disk
	// hangs, and that has been so for noLeaderTime. Clients are sent away, who may
	// find a member that is better off.
	cutOff

	// readOnly is the same where Config.ReadOnlyMode is set: clients who are
	// content with old state are served.
	readOnly
)

const (
	// noLeaderTime is how long clients wait for the next leader before they
	// are sent away. An election takes a fraction of it.
	noLeaderTime = 3 * time.Second

	// minPatience is how long they wait at least. Those with a session of less
	// than twice noLeaderTime wait for half of its timeout, so that the other
	// half is left to find another member.
	minPatience = time.Second

	// hangPatience is how long a write to the log may take that counts as none
	// of this.
	hangPatience = time.Second
)

// standLoop keeps in touch with the leader until ctx ends.
//
//	role, Heard  -> when was there a leader that heard us? too long ago: send
//	                clients away; again: take them
//	every period -> tell the leader who was heard from
func (s *Server) standLoop(ctx context.Context) error {
	// As often as a session of the shortest timeout needs it.
	period := min(s.cfg.Tick/2, max(s.cfg.MinSessionTimeout/6, 5*time.Millisecond))
	tick := time.NewTicker(period)
	defer tick.Stop()
	last := time.Now()
	s.contact = last
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		if late := now.Sub(last) - period; late > s.cfg.Tick {
			s.contact = now // we were stopped, and could not hear
		}
		last = now
		s.stand(now)
		s.report()
	}
}

// stand decides what the standing is.
func (s *Server) stand(now time.Time) {
	switch role := s.member.Role(); {
	case s.member.DiskHangs() >= hangPatience: // nothing of what others do comes about here
	case role.Leading:
		s.contact = now
	case role.HasLeader:
		if heard := s.member.Heard(); heard.After(s.contact) {
			s.contact = heard
		}
	}
	away := now.Sub(s.contact)
	was := standing(s.standing.Load())
	switch {
	case was == serving && away >= noLeaderTime:
		s.sendAway(away)
	case was == cutOff && s.cfg.ReadOnlyMode && s.replica.hasKey():
		s.standing.Store(int32(readOnly))
	case was != serving && away < minPatience:
		s.takeBack()
	case was == serving && away >= minPatience:
		s.sendHurried(away)
	case was == readOnly:
		s.endSilent(now)
	}
}

// serves reports whether any client may have a session.
func (s *Server) serves() bool {
	return !s.recovering.Load() && standing(s.standing.Load()) == serving
}

// isReadOnly reports whether only clients are served that are content with it.
func (s *Server) isReadOnly() bool { return standing(s.standing.Load()) == readOnly }

// sendAway closes the connections of clients. What they had asked for may be done
// yet, unless they come back to another member before.
func (s *Server) sendAway(away time.Duration) {
	to := cutOff
	if s.cfg.ReadOnlyMode && s.replica.hasKey() {
		to = readOnly
	}
	s.standing.Store(int32(to)) // before the list is made: who comes now is refused
	conns := s.replica.connections()
	s.log.Warn().Dur("took", away).Int("conns", len(conns)).Bool("readonly", to == readOnly).Dur("hangs", s.member.DiskHangs()).Msg("no leader is heard or the disk hangs, clients are sent away")
	for _, c := range conns {
		c.close(errNoLeader)
	}
}

// takeBack serves clients again. Those who were served without a leader come
// back as others do.
func (s *Server) takeBack() {
	s.standing.Store(int32(serving))
	s.log.Info().Msg("leader is heard again, clients are served")
	for _, c := range s.replica.connections() {
		if c.readOnly.Load() {
			c.close(errLeaderBack)
		}
	}
}

// sendHurried closes the connections of sessions that would end before all
// clients are sent away.
func (s *Server) sendHurried(away time.Duration) {
	for _, c := range s.replica.ownersUpTo(2 * away) {
		c.close(errNoLeader)
	}
}

// ownersUpTo lists the connections of sessions of at most that timeout.
func (r *replica) ownersUpTo(timeout time.Duration) (conns []*conn) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id, c := range r.owners {
		if s, ok := r.sessions.Get(id); ok && s.Timeout <= timeout {
			conns = append(conns, c)
		}
	}
	return conns
}

// endSilent closes the connections of clients that are served without a leader,
// and silent: no session of theirs will expire.
func (s *Server) endSilent(now time.Time) {
	for _, c := range s.replica.connections() {
		if c.readOnly.Load() && now.Sub(s.clockAt(c.lastHeard(now.Sub(s.start)))) >= c.timeout {
			c.close(errSessionOver)
		}
	}
}
