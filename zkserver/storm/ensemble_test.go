package storm

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A member is one server of an ensemble.
type member struct {
	process
	number int
	dir    string   // for its data
	client string   // where it takes clients
	peers  []string // where it takes other members: as many as its product wants
	door   *link    // for clients
	disk   *disk    // nil if it is like any other
}

// An ensemble is several members with a network between them. Site 0 of the
// network is that of the clients; a member's is its number.
type ensemble struct {
	t       testing.TB
	product product
	members []*member
	wires   map[[2]int]*wire   // from, to
	links   map[[2]int][]*link // from, to: one for each address in peers
}

// newEnsemble makes members, of which none runs.
func newEnsemble(t testing.TB, p product, n int) *ensemble {
	t.Helper()
	e := &ensemble{t: t, product: p, wires: map[[2]int]*wire{}, links: map[[2]int][]*link{}}
	home := t.TempDir()
	for from := range n + 1 {
		for to := range n + 1 {
			e.wires[[2]int{from, to}] = newWire()
		}
	}
	for number := 1; number <= n; number++ {
		m := &member{number: number, dir: filepath.Join(home, fmt.Sprint(number)), client: freeAddr(t)}
		if err := os.Mkdir(m.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for range p.ports() {
			m.peers = append(m.peers, freeAddr(t))
		}
		m.process = process{t: t, name: fmt.Sprintf("member %d", number), log: filepath.Join(home, fmt.Sprintf("%d.log", number))}
		m.door = newLink(t, m.client, e.wires[[2]int{0, number}], e.wires[[2]int{number, 0}])
		e.members = append(e.members, m)
	}
	for _, from := range e.members {
		for _, to := range e.members {
			if from == to {
				continue
			}
			way := [2]int{from.number, to.number}
			for _, addr := range to.peers {
				e.links[way] = append(e.links[way], newLink(t, addr, e.wires[way], e.wires[[2]int{way[1], way[0]}]))
			}
		}
	}
	e.giveDisks(t)
	for _, m := range e.members {
		m.command = p.prepare(t, e, m)
		t.Cleanup(m.kill)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s, mode %q, the end of its log:\n%s", m.name, m.mode(), m.tail(15))
			}
		})
	}
	return e
}

// seenBy are the addresses at which one member finds another, or itself.
func (e *ensemble) seenBy(m, other *member) []string {
	if m == other {
		return m.peers
	}
	var all []string
	for _, l := range e.links[[2]int{m.number, other.number}] {
		all = append(all, l.addr())
	}
	return all
}

func (e *ensemble) start() {
	for _, m := range e.members {
		m.start()
	}
}

// doors are the addresses for clients.
func (e *ensemble) doors() []string {
	var all []string
	for _, m := range e.members {
		all = append(all, m.door.addr())
	}
	return all
}

// mend ends what was done to the network.
func (e *ensemble) mend() {
	for _, w := range e.wires {
		w.set(false, 0)
	}
}

// leader is the member that says it leads, or nil.
func (e *ensemble) leader() *member {
	for _, m := range e.members {
		if m.running() && !m.stopped && m.mode() == "leader" {
			return m
		}
	}
	return nil
}

// mode is "leader" or "follower"; "" while the member has no quorum, or does not
// run.
func (m *member) mode() string {
	for line := range strings.Lines(m.word("srvr")) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode)
		}
	}
	return ""
}

// word asks a four-letter word, past the proxies.
func (m *member) word(word string) string {
	nc, err := net.DialTimeout("tcp", m.client, time.Second)
	if err != nil {
		return ""
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Second))
	io.WriteString(nc, word)
	b, _ := io.ReadAll(nc)
	return string(b)
}

// await waits until what is to be is.
func await(t testing.TB, limit time.Duration, what string, is func() bool) {
	t.Helper()
	if !within(limit, is) {
		t.Fatalf("not within %v: %s", limit, what)
	}
}

// within reports whether something comes about in time.
func within(limit time.Duration, is func() bool) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(limit); !is(); <-again.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// freeAddr finds an address on which nobody listens. Its port is not one that the
// system gives to connections, so that it stays free while a member is dead.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(18000))
		l, err := net.Listen("tcp", addr)
		if err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}
