package zkserver

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Output that clients do not take is the one thing that others fill: a request of
// a few bytes may be answered with a megabyte. So the output of all connections
// is counted together, and there is less for each when there is much in all.

// countStep is how far a connection's output may be from what is counted of it:
// to count every reply would have all connections meet at one counter.
const countStep = 4 << 10

// countOutput brings Server.output up to date. c.mu is locked.
func (c *conn) countOutput() {
	have := len(c.queue.out) + c.queue.flying
	diff := have - c.counted
	if diff == 0 || -countStep < diff && diff < countStep && have > 0 {
		return
	}
	c.counted = have
	c.srv.output.Add(int64(diff))
}

// outLimit is how many bytes may wait for one client before it is not served any
// more for now.
func (s *Server) outLimit() int {
	switch output := s.output.Load(); {
	case output < s.cfg.MaxOutput:
		return outFull
	case output < 2*s.cfg.MaxOutput:
		return outTight
	}
	return 0
}

// eventLimit is how many bytes of events may wait for one client.
func (s *Server) eventLimit() int {
	switch output := s.output.Load(); {
	case output < s.cfg.MaxOutput:
		return maxEventBytes
	case output < 2*s.cfg.MaxOutput:
		return tightEventBytes
	}
	return outTight
}

// upkeepPeriod is how often upkeepLoop looks.
const upkeepPeriod = 100 * time.Millisecond

// upkeepLoop looks after what clients cost, until ctx ends:
//
//	full -> cut off clients who take nothing of what waits for them, or do not
//	        finish the request they send
//	idle -> let go of buffers
func (s *Server) upkeepLoop(ctx context.Context) error {
	tick := time.NewTicker(upkeepPeriod)
	defer tick.Stop()
	for trimmed := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			s.relieve()
			s.relieveInput()
			if now.Sub(trimmed) >= trimPeriod {
				s.trim()
				trimmed = now
			}
		}
	}
}

// relieve cuts off clients who take nothing, while there is too much output, and
// lets the others go on.
func (s *Server) relieve() {
	before := s.tight
	s.tight = s.output.Load() >= s.cfg.MaxOutput
	if !before && !s.tight {
		return
	}
	now, patience := s.clock(), stuckTime
	if s.output.Load() >= 2*s.cfg.MaxOutput {
		patience = stuckTime / 4 // nobody is served meanwhile
	}
	for _, c := range s.replica.connections() {
		c.mu.Lock()
		stuck := s.tight && c.queue.flying > 0 && c.counted > outTight && now-time.Duration(c.took.Load()) > patience
		c.work.Signal()
		c.room.Signal()
		c.mu.Unlock()
		if stuck {
			c.log.Warn().Msg("client takes no replies, connection closed")
			c.close(errSlowReader)
		}
	}
}

// trim lets go of the output buffers that connections have no use for now: there
// may be thousands, and all were busy once.
func (s *Server) trim() {
	for _, c := range s.replica.connections() {
		c.mu.Lock()
		if c.peak <= keepIdle {
			if cap(c.spare) > keepIdle {
				c.spare = nil
			}
			if len(c.queue.out) == 0 && cap(c.queue.out) > keepIdle {
				c.queue.out = nil
			}
		}
		c.peak = 0
		c.mu.Unlock()
	}
}

// connections lists the open connections.
func (r *replica) connections() []*conn {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Collect(maps.Values(r.conns))
}
