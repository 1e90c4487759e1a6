package ensemble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// What members say to each other before they belong together. Integers are
// big-endian.
//
//	u8 frameHello   | u64 directory | u64 hash of the numbers configured   who has no ensemble yet, to all
//	u8 frameWelcome | u64 directory | u64 cluster | servers                to whom a number belongs
//	u8 frameWait    | u64 directory | u64 cluster                          there is an ensemble; ask its leader
//	u8 frameTaken   | u64 directory | u64 cluster                          another directory has this number
//
// directory is that of the one who said hello.
const (
	frameHello   = 3
	frameWelcome = 4
	frameWait    = 5
	frameTaken   = 6
	helloBytes   = 1 + 8 + 8

	helloEvery = 100 * time.Millisecond
	maxNumber  = 255
)

// In hellos: how long one counts, and how long the founder waits for the
// answer of an ensemble that may be there before it founds one with a majority.
const (
	helloCounts  = 5
	helloListens = 10
)

var errNotFormed = errors.New("ensemble: this member has not found the others yet")

// A former finds the ensemble of a member that has none, or founds it. The
// member with the lowest number is the founder: it does so when a majority of
// those configured have said hello, and nobody that there is an ensemble. So a
// second one can come into being only while a majority of the members have
// empty directories, the founder's included: then no write can be acknowledged
// any more in the first.
//
// It does no I/O and reads no clock.
type former struct {
	id      identity
	members []int // sorted, self included
	hash    uint64
	log     zerolog.Logger

	ticks  int
	heard  []greeting // by member, like members
	wait   bool       // there is an ensemble
	joined bool       // id belongs to it
	warned bool
}

// A greeting is the last hello of a member.
type greeting struct {
	directory uint64
	at        int // tick; 0 means never
}

func newFormer(id identity, members []int, log zerolog.Logger) *former {
	return &former{id: id, members: members, hash: hashNumbers(members), heard: make([]greeting, len(members)), log: log}
}

func hashNumbers(numbers []int) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, numbers)
	return h.Sum64()
}

// hello is what to say to all others, after each tick.
func (f *former) hello() []byte {
	b := binary.BigEndian.AppendUint64([]byte{frameHello}, f.id.directory)
	return binary.BigEndian.AppendUint64(b, f.hash)
}

// tick lets time go on by one hello.
func (f *former) tick() {
	f.ticks++
	if f.joined || f.wait || f.id.number != f.members[0] {
		return
	}
	servers := make([]server, len(f.members))
	count := 0
	for i, number := range f.members {
		servers[i].number = number
		switch h := f.heard[i]; {
		case number == f.id.number:
			servers[i].directory = f.id.directory
			count++
		case h.at > 0 && f.ticks-h.at <= helloCounts:
			servers[i].directory = h.directory
			count++
		}
	}
	if count == len(f.members) || count > len(f.members)/2 && f.ticks > helloListens {
		f.join(random()|1, servers)
		f.log.Info().Int("member", f.id.number).Msg("ensemble founded")
	}
}

func (f *former) join(cluster uint64, servers []server) {
	f.id, f.joined = f.id.join(cluster, servers), true
}

// receive takes a frame from another member.
func (f *former) receive(from int, b []byte) {
	i, ok := slices.BinarySearch(f.members, from)
	if !ok || len(b) < helloBytes || f.joined {
		return
	}
	directory, number := binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
	switch b[0] {
	case frameHello:
		if number != f.hash {
			f.warn(from, "member is configured with other members")
			return
		}
		f.heard[i] = greeting{directory: directory, at: f.ticks + 1}
		return
	case frameWelcome, frameWait, frameTaken:
		if directory != f.id.directory {
			return
		}
		f.wait = true
	}
	switch b[0] {
	case frameWelcome:
		servers, rest, ok := cutServers(b[helloBytes:])
		if ok && len(rest) == 0 && slices.ContainsFunc(servers, func(s server) bool { return s.number == f.id.number }) {
			f.join(number, servers)
			f.log.Info().Int("member", from).Msg("ensemble found")
		}
	case frameTaken:
		f.warn(from, "the ensemble knows this member by another data directory: with this one it would not be itself")
	}
}

func (f *former) warn(from int, message string) {
	if !f.warned {
		f.warned = true
		f.log.Error().Int("member", from).Msg(message)
	}
}

// answer is what a member of an ensemble says to a hello. claim is true if the
// number is nobody's yet.
func (l *loop) answer(from int, b []byte) (reply []byte, claim bool) {
	owner, ok := l.roster.owner(from)
	if len(b) != helloBytes || !ok {
		return nil, false
	}
	directory := binary.BigEndian.Uint64(b[1:])
	kind := byte(frameTaken)
	switch owner {
	case 0:
		kind = frameWait
	case directory:
		kind = frameWelcome
	}
	reply = binary.BigEndian.AppendUint64([]byte{kind}, directory)
	reply = binary.BigEndian.AppendUint64(reply, l.id.cluster)
	if kind == frameWelcome {
		reply = appendServers(reply, l.id.servers)
	}
	return reply, owner == 0
}

// receiveHello answers a hello, and, as the leader, has a number claimed that
// is nobody's yet.
func (l *loop) receiveHello(from int, b []byte) {
	reply, claim := l.answer(from, b)
	if reply == nil {
		return
	}
	l.peers.sendFrame(from, reply)
	if !claim || !l.leading || l.inFlight >= maxInFlight {
		return
	}
	s := server{number: from, directory: binary.BigEndian.Uint64(b[1:])}
	if l.raft.Propose(encodeClaim(l.term, s)) == nil {
		l.inFlight++
		l.ready()
	}
}

// form finds the ensemble, or founds it, before raft begins.
func (n *Node) form(ctx context.Context) error {
	f := newFormer(n.id, n.cfg.numbers(), n.cfg.Log)
	n.cfg.Log.Info().Int("member", n.cfg.Number).Int("members", len(n.cfg.Members)).Int("founder", f.members[0]).Msg("looking for the other members")
	t := time.NewTicker(helloEvery)
	defer t.Stop()
	n.greet(f)
	for !f.joined {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-n.net.wake:
		case <-t.C:
			f.tick()
			n.greet(f) // never as an answer: two members would keep each other busy
		}
		for _, r := range n.net.take(nil) {
			f.receive(r.from, r.frame)
		}
	}
	return n.formAs(f.id)
}

// greet says hello to all others.
func (n *Node) greet(f *former) {
	for _, m := range f.members {
		if m != n.cfg.Number {
			n.cfg.Transport.SendFrame(m, f.hello())
		}
	}
}

// formAs makes the node a member of its ensemble.
func (n *Node) formAs(id identity) error {
	if err := n.wal.SetIdentity(id.encode()); err != nil {
		return err
	}
	n.id = id
	if err := n.openEnsemble(); err != nil {
		return err
	}
	close(n.begun)
	return nil
}

// formed reports whether the node belongs to an ensemble and runs raft.
func (n *Node) formed() bool {
	select {
	case <-n.begun:
		return true
	default:
		return false
	}
}
