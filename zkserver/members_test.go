package zkserver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// TestGuestsAreAnsweredNoFartherThanMembersAre: what has no TLS stays on this
// machine if the members do.
func TestGuestsAreAnsweredNoFartherThanMembersAre(t *testing.T) {
	here := []Member{{Number: 1, Address: "127.0.0.1:1"}, {Number: 2, Address: "localhost:2"}}
	there := []Member{{Number: 1, Address: "127.0.0.1:1"}, {Number: 2, Address: "zk2:2888"}}
	for _, tt := range []struct {
		name    string
		e       Ensemble
		address string
		want    bool
	}{
		{"on this machine", Ensemble{Members: here}, "[::1]:3", true},
		{"elsewhere, members here", Ensemble{Members: here}, "10.0.0.1:3", false},
		{"a name", Ensemble{Members: here}, "zk3:2888", false},
		{"no address", Ensemble{Members: here}, "zk3", false},
		{"elsewhere, with TLS", Ensemble{Members: here, TLS: PeerTLS{Cert: "a.pem"}}, "zk3:2888", true},
		{"elsewhere, as members are", Ensemble{Members: there}, "zk3:2888", true},
	} {
		if got := tt.e.mayAnswer(tt.address); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestPlainIsTakenOnTheEndThatMay: on the way to TLS each end has a switch.
func TestPlainIsTakenOnTheEndThatMay(t *testing.T) {
	plain, other := net.Pipe()
	defer plain.Close()
	defer other.Close()
	m := ensemble.Member{Number: 2, Address: "zk2:2888"}
	for _, tt := range []struct {
		cfg          PeerTLS
		dialed, came bool
	}{
		{PeerTLS{}, false, false},
		{PeerTLS{TakePlain: true}, false, true},
		{PeerTLS{DialPlain: true}, true, false},
	} {
		p := &peerKeys{cfg: tt.cfg}
		if got := p.check(m, plain) == nil; got != tt.dialed {
			t.Errorf("%+v: dialed without TLS: %v", tt.cfg, got)
		}
		if got := p.check(m, &eitherPeer{Conn: plain, keys: p, inner: plain}) == nil; got != tt.came {
			t.Errorf("%+v: came without TLS: %v", tt.cfg, got)
		}
	}
}

// A member that was started with a list of its own, on a copied directory for one,
// said nothing of it.
func TestAnAddressThatIsNotTheEnsemblesIsToldAtTheStart(t *testing.T) {
	var out bytes.Buffer
	s := &Server{log: zerolog.New(&out), cfg: Config{Ensemble: Ensemble{Number: 1, Members: []Member{
		{Number: 1, Address: "0.0.0.0:2888"}, {Number: 2, Address: "zk2:2888"}, {Number: 3, Address: "zk9:2888"}, {Number: 4, Address: "zk4:2888"},
	}}}}
	s.stats.members.Store(&[]ensemble.Member{{Number: 1, Address: "zk1:2888"}, {Number: 2, Address: "zk2:2888"}, {Number: 3, Address: "zk3:2888"}, {Number: 5, Address: "zk5:2888"}})
	s.compareMembers()
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"member":3,"addr":"zk3:2888","configured":"zk9:2888"`) {
		t.Errorf("it says %s", got)
	}
}

// Who found the node stopped was sometimes first to say so, and the disk that had
// failed was not told of.
func TestThatTheNodeHasEndedHidesNotWhy(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ensemble.ErrDisk)
	if err := whyStopped(ctx, ensemble.ErrStopped); !errors.Is(err, ensemble.ErrDisk) {
		t.Errorf("it ends with %v", err)
	}
	if err := whyStopped(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
