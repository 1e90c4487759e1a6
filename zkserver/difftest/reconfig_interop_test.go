package difftest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// reconfigCases are what may be asked, what is wrong with it, and then changes that
// the members carry out. None takes the leader off: Apache ZooKeeper then drops its
// clients.
var reconfigCases = []reconfigCase{
	{name: "leaving is no number", leaving: "x", from: -1},
	{name: "joining is no line", joining: "4", from: -1},
	{name: "joining without a client port", joining: "server.4=127.0.0.1:1:2", from: -1},
	{name: "joining with a port of another", joining: "server.4=127.0.0.1:7:7;7", from: -1},
	{name: "leaving is too large a number", leaving: "99999999999999999999", from: -1},
	{name: "an unknown role", joining: "server.4=127.0.0.1:1:2:king;3", from: -1},
	{name: "a wrong version", leaving: "3", from: 77},
	{name: "one voter left", leaving: "2,3", from: -1},
	{name: "nobody left", leaving: "1,2,3", from: -1},
	{name: "an empty list", full: "\n", from: -1},
	{name: "a number twice", full: "{1},{2},{3},{1}", from: -1},
	{name: "the list as it is", full: "{1},{2},{3}", from: -1},
	{name: "leaving is unknown", leaving: "9, -1", from: -1},
	{name: "one leaves and joins", joining: "{3}", leaving: "<3>", from: -1},
	{name: "a voter becomes an observer", joining: "{3 observer}", from: -1},
	{name: "with the only other one an observer, too", joining: "{2 observer}", from: -1},
	{name: "the observer moves", joining: "{3 elsewhere}", from: -1},
	{name: "and becomes a voter where it was", joining: "{3}", from: -1},
	{name: "a voter leaves", leaving: "<3>", from: -1},
	{name: "it has left", leaving: "<3>", from: -1},
	{name: "it comes back", joining: "{3}", from: -1},
	{name: "one joins that is not there", joining: "server.4=127.0.0.1:31:32;33", from: -1},
	{name: "it moves", joining: "server.4=127.0.0.1:34:35:participant;127.0.0.1:36", from: -1},
	{name: "a voter leaves meanwhile", leaving: "<2>", from: -1},
	{name: "and comes back, and the other becomes an observer", joining: "{2},server.4=127.0.0.1:34:35:observer;33", from: -1},
	{name: "it leaves without having come", leaving: "4", from: -1},
	{name: "it is not in a list", full: "{2},{1}", from: -1},
	{name: "it is in the next as an observer", full: "{1},{3 observer},{2}", from: -1},
	{name: "and all are as they were", full: "{1},{2},{3}", from: -1},
}

// noQuorum asks for members of whom most are not there.
var noQuorum = reconfigCase{joining: "server.4=127.0.0.1:31:32;33,server.5=127.0.0.1:34:35;36", leaving: "<2>", from: -1}

// TestInteropReconfigIsAnsweredAlike: what may be asked of three members, what is
// wrong with it, and what they then are. That it is off by default the streams of
// requests compare, see [Generate].
func TestInteropReconfigIsAnsweredAlike(t *testing.T) {
	reference.Need(t)
	t.Parallel()
	ours := zktest.NewEnsemble(t, 3, func(c *zkserver.Config) {
		c.ReconfigEnabled, c.SuperDigest = true, reference.SuperDigest
	})
	theirs := reference.StartEnsemble(t, 3, "reconfigEnabled=true")
	var their, our [2]*changer
	for i := range their {
		their[i], our[i] = changerOfTheirs(t, theirs), changerOfOurs(t, ours)
	}
	check := func(r reconfigCase) {
		t.Helper()
		if a, b := askConnected(their[0], r), our[0].ask(r); a != b {
			t.Errorf("%s: %q, at Apache ZooKeeper %q", r.name, b, a)
		} else {
			t.Logf("%s: %q", r.name, a)
		}
	}
	check(reconfigCase{name: "by anybody", leaving: "<3>", from: -1})
	for _, c := range slices.Concat(their[:], our[:]) {
		if err := c.AddAuth(t.Context(), "digest", []byte("super:secret")); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range reconfigCases {
		check(r)
	}

	// Of two at once one is refused. Here the other waits for members that never
	// come, there for members that sleep.
	answer := their[0].ask(noQuorum)
	leader := theirs.Leader(t)
	var wg sync.WaitGroup
	for _, s := range theirs.Servers {
		if s != leader {
			resume := s.Pause()
			wg.Go(func() { awaitWaiting(leader, 2); resume() })
		}
	}
	wg.Go(func() { two(t, their, reconfigCase{leaving: "<3>", from: -1}, "{1} {2}") })
	two(t, our, noQuorum, answer)
	wg.Wait()
}

// askConnected asks Apache ZooKeeper, and again for a while when it has no quorum: there
// one whose part has just changed connects anew, and is missed until it has.
func askConnected(c *changer, r reconfigCase) string {
	for end := time.Now().Add(10 * time.Second); ; <-time.After(100 * time.Millisecond) {
		if answer := c.ask(r); answer != wire.NewConfigNoQuorum.String() || time.Now().After(end) {
			return answer
		}
	}
}

func changerOfTheirs(t *testing.T, e *reference.Ensemble) *changer {
	leader := e.Leader(t)
	return newChanger(t, leader.Addr(), slices.Index(e.Servers, leader)+1, func(line string, number int) string {
		return line + ";" + e.Servers[number-1].Addr() // clientPort is not in their lists
	})
}

func changerOfOurs(t *testing.T, e *zktest.Ensemble) *changer {
	leader := e.Leader()
	return newChanger(t, leader.Addr(), slices.Index(e.Servers(), leader)+1, func(line string, number int) string {
		return strings.Replace(line, ":participant", fmt.Sprintf(":%d:participant;%s", 10+number, e.Addrs()[number-1]), 1)
	})
}

// two sends a request over both connections: one of them is told that the other is
// being carried out, which has the answer that is wanted.
func two(t *testing.T, changers [2]*changer, r reconfigCase, want string) {
	var answers [2]string
	var wg sync.WaitGroup
	for i, c := range changers {
		wg.Go(func() { answers[i] = c.ask(r) })
	}
	wg.Wait()
	busy := wire.ReconfigInProgress.String()
	if answers[0] == busy {
		slices.Reverse(answers[:])
	}
	if answers != [2]string{want, busy} {
		t.Errorf("two at once: %q, want %q and %q", answers, want, busy)
	}
}

// awaitWaiting waits until so many requests wait at the server, or a while.
func awaitWaiting(s *reference.Server, n int) {
	for end := time.Now().Add(2 * time.Second); s.Waiting() < n && time.Now().Before(end); {
		<-time.After(10 * time.Millisecond)
	}
}
