package zkserver

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// Ensemble says with which other servers this one keeps the state. The zero
// value: with none.
type Ensemble struct {
	// Members are all members, this one included. The state survives, and is
	// served, as long as more than half of them can reach each other. All
	// members must have the same list.
	Members []Member

	// Number is that of this member.
	Number int

	// Join says that the ensemble runs already: with an empty directory this
	// member asks any of Members, which need not be all, and waits to be made one,
	// by a reconfig.
	Join bool

	// Listen is where the other members reach this one. Default: the Address of
	// this member. A name that does not resolve yet is tried again.
	Listen string

	// Listener is used in place of Listen when it is not nil. The Server
	// closes it.
	Listener net.Listener

	// Dial connects to another member. Default: TCP.
	Dial func(ctx context.Context, to Member) (net.Conn, error)

	// TLS says how members know each other. Default: they believe what they are
	// told.
	TLS PeerTLS

	// InitLimit and SyncLimit are told to operators, and have no effect.
	InitLimit, SyncLimit int
}

// A Member is one of the servers of an ensemble.
type Member struct {
	Number  int    // from 0 to 255, as in "server.N" and "myid"
	Address string // host:port where the other members reach it

	// Observer says that it keeps and serves the state, and has no vote.
	Observer bool

	// The rest is for those who read the list: the second port of a server.N
	// line, on which nothing is done here, and host:port for clients.
	ElectionPort int
	Client       string
}

// Spec is the member as Apache ZooKeeper writes it behind "server.N=".
func (m Member) Spec() string {
	s := m.Address
	if m.ElectionPort != 0 {
		s += ":" + strconv.Itoa(m.ElectionPort)
	}
	if m.Observer {
		s += ":observer"
	} else {
		s += ":participant"
	}
	if m.Client != "" {
		s += ";" + m.Client
	}
	return s
}

// alone reports whether there are no other members.
func (e *Ensemble) alone() bool { return len(e.Members) == 0 }

// self is this member.
func (e *Ensemble) self() (Member, bool) {
	for _, m := range e.Members {
		if m.Number == e.Number {
			return m, true
		}
	}
	return Member{}, false
}

func (e *Ensemble) check() error {
	if e.alone() {
		return nil
	}
	if _, ok := e.self(); !ok {
		return fmt.Errorf("zkserver: this is member %d, which is not one of the members", e.Number)
	}
	for _, m := range e.Members {
		if _, _, err := net.SplitHostPort(m.Address); err != nil {
			return fmt.Errorf("zkserver: member %d: %q is no address like zk1:2888", m.Number, m.Address)
		}
	}
	return e.TLS.check()
}

// mayAnswer reports whether one who is no member may be answered at the address
// that it names. Without TLS it may not be farther away than the members are that
// the operator has named.
func (e *Ensemble) mayAnswer(address string) bool {
	return e.TLS.on() || isLoopback(address) || slices.ContainsFunc(e.Members, func(m Member) bool { return !isLoopback(m.Address) })
}

// isLoopback reports whether an address is on this machine for sure.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// compareMembers says where the members are configured to be elsewhere than the
// ensemble has them: a copied directory, or a list that was not brought up to date.
func (s *Server) compareMembers() {
	for _, m := range s.members() {
		i := slices.IndexFunc(s.cfg.Ensemble.Members, func(c Member) bool { return c.Number == m.Number })
		if i < 0 {
			continue // those who are added later need not be configured
		}
		configured := s.cfg.Ensemble.Members[i].Address
		if own := m.Number == s.cfg.Ensemble.Number; configured != m.Address && !(own && isEverywhere(configured)) {
			s.log.Warn().Int("member", m.Number).Str("addr", m.Address).Str("configured", configured).Msg("member is configured at another address than the ensemble has for it")
		}
	}
}

// isEverywhere reports whether an address is one to listen on, and not one to reach.
func isEverywhere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || ip != nil && ip.IsUnspecified())
}

// list gives the members as package ensemble has them.
func (e *Ensemble) list() []ensemble.Member {
	var list []ensemble.Member
	for _, m := range e.Members {
		list = append(list, ensemble.Member{Number: m.Number, Address: m.Address, Observer: m.Observer, Spec: m.Spec()})
	}
	return list
}
