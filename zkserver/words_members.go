package zkserver

import "github.com/mwqueue/mw/zkserver/admin"

// reportMembers fills in what a member knows of its ensemble.
func (s *Server) reportMembers(rep *admin.Report) {
	if s.cfg.Ensemble.alone() {
		return
	}
	role := s.node.Role()
	rep.Mode = "follower"
	if role.Leading {
		rep.Mode = "leader"
	}
	rep.Serving = rep.Serving && role.HasLeader
	rep.Settings.ServerID = s.cfg.Ensemble.Number
}
