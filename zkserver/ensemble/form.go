package ensemble

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/rs/zerolog"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// What members say to each other before they belong together. Integers are
// big-endian.
//
//	u8 frameHello   | u64 directory | u64 hash of the members configured   who has no ensemble yet, to all
//	u8 frameHello   | u64 directory | u64 0                                who has heard of one, and waits for it
//	u8 frameWelcome | u64 directory | u64 cluster | a welcome              to whom a number belongs
//	u8 frameWait    | u64 directory | u64 0                                there is an ensemble; ask its leader
//	u8 frameTaken   | u64 directory | u64 0                                another directory has this number
//	u8 frameOwn     | u64 directory | u64 0                                who has data and is the only voter, to all
//
// directory is that of the one who said hello. A welcome is, as in the type:
//
//	u64 member | u64 joined | servers | raftpb.ConfState
const (
	helloBytes = 1 + 8 + 8

	waiting = 0 // in the place of the hash

	helloEvery = 100 * time.Millisecond
	maxNumber  = 255
)

// In hellos: how long one counts, and how long the founder waits for the others
// when it has heard a majority. Who is missing may be a server that ran alone: were
// it not waited for, clients would see an empty tree, and it would be refused as one
// of another ensemble. One that still loads its state says so in time: see load.go.
const (
	helloCounts  = 5
	helloListens = 100

	// ownListens is that for who has data: so long that one who has data, too, is
	// heard of, dialing again each second.
	ownListens = 30
)

var errNotFormed = errors.New("ensemble: this member has not found the others yet")

// A former finds the ensemble of a member that has none, or founds it. The
// voter with the lowest number is the founder: it does so when all voters that
// are configured have said hello, or a majority for helloListens without a break,
// and nobody that there is an ensemble, nor that it has heard of one. So a second one
// can come into being only while a majority of the voters configured have empty
// directories, the founder's included, in processes that none of the first has reached.
// Unless its members are others by then than those configured, no write can be
// acknowledged in it any more.
//
// A directory that was restored from a backup, or is of a server that ran alone, is
// an ensemble with one voter, which could lead at once. It does so by the same rule,
// whatever its number: when a majority of the voters configured, itself included, has
// new directories. If one of them has an ensemble, or data of its own, it ends with err.
//
// It does no I/O and reads no clock.
type former struct {
	id      identity
	own     bool     // id belongs to an ensemble already, with no other voter
	members []Member // by number, self included
	founder int
	hash    uint64
	log     zerolog.Logger

	ticks  int
	enough int        // ticks in a row in which a majority was there
	heard  []greeting // by member, like members
	wait   bool       // there is an ensemble, or is to be one
	joined bool       // id belongs to it, and may take part
	err    error      // why it must not
	warned map[warning]bool
}

// A warning is worth one line.
type warning struct {
	from    int
	message string
}

// A greeting is the last hello of a member.
type greeting struct {
	directory uint64
	at        int // tick; 0 means never
}

// newFormer makes a former. One that joins never founds.
func newFormer(id identity, members []Member, join bool, log zerolog.Logger) *former {
	members = slices.SortedFunc(slices.Values(members), func(a, b Member) int { return cmp.Compare(a.Number, b.Number) })
	f := &former{id: id, own: id.founded(), members: members, founder: -1, hash: hashMembers(members), heard: make([]greeting, len(members)), wait: join, log: log}
	if i := slices.IndexFunc(members, func(m Member) bool { return !m.Observer }); i >= 0 {
		f.founder = members[i].Number
	}
	return f
}

func hashMembers(members []Member) uint64 {
	h := fnv.New64a()
	for _, m := range members {
		fmt.Fprint(h, m.Number, m.Observer)
	}
	return h.Sum64()
}

// hello is what to say to all others, after each tick.
func (f *former) hello() []byte {
	if f.own { // who is new would be counted as such
		return appendFrame(frameOwn, f.id.directory, 0)
	}
	if f.wait {
		return appendFrame(frameHello, f.id.directory, waiting)
	}
	return appendFrame(frameHello, f.id.directory, f.hash)
}

func appendFrame(kind byte, directory, number uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte{kind}, directory)
	return binary.BigEndian.AppendUint64(b, number)
}

// tick lets time go on by one hello.
func (f *former) tick() {
	f.ticks++
	if f.joined || f.err != nil || !f.own && (f.wait || f.id.number != f.founder) {
		return
	}
	voters, missing := 0, []int{}
	for i, m := range f.members {
		if m.Observer {
			continue
		}
		voters++
		if f.directory(i) == 0 {
			missing = append(missing, m.Number)
		}
	}
	if len(missing) >= voters-voters/2 {
		f.enough = 0
		return
	}
	switch {
	case f.own && (len(missing) == 0 || f.enough == ownListens):
		f.joined = true
		f.log.Info().Int("member", f.id.number).Ints("missing", missing).Msg("the others are new: this member begins the ensemble with its data")
		return
	case len(missing) == 0 || f.enough == helloListens:
		f.found(random() | 1)
		return
	}
	if f.enough++; f.enough == 1 && !f.own {
		f.log.Info().Ints("missing", missing).Msg("a majority of new members is there: the others are waited for, 10 s at most, before an ensemble is founded")
	}
}

// directory is that of a member who was heard lately, or 0.
func (f *former) directory(i int) uint64 {
	if f.members[i].Number == f.id.number {
		return f.id.directory
	}
	if h := f.heard[i]; h.at > 0 && f.ticks-h.at <= helloCounts {
		return h.directory
	}
	return 0
}

// found founds an ensemble. The numbers of those who were not heard are nobody's
// at first.
func (f *former) found(cluster uint64) {
	w := welcome{cluster: cluster, member: memberID(cluster, f.id.number, 0), joined: bootstrapIndex}
	for i, m := range f.members {
		s := server{number: m.Number, directory: f.directory(i), raft: memberID(cluster, m.Number, 0), address: m.Address, spec: m.Spec}
		if m.Observer {
			s.standing = observer
			w.learners = append(w.learners, s.raft)
		} else {
			w.voters = append(w.voters, s.raft)
		}
		w.servers = append(w.servers, s)
	}
	slices.Sort(w.voters)
	slices.Sort(w.learners)
	f.join(w)
	f.log.Info().Int("member", f.id.number).Msg("ensemble founded")
}

func (f *former) join(w welcome) { f.id, f.joined = f.id.join(w), true }

// receive takes a frame from another member.
func (f *former) receive(from int, b []byte) {
	if len(b) < helloBytes || f.joined {
		return
	}
	directory, number := binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
	if f.own {
		f.receiveOwn(from, b[0], directory)
		return
	}
	switch b[0] {
	case frameHello:
		f.greeted(from, directory, number)
	case frameWelcome, frameWait, frameTaken:
		if directory != f.id.directory {
			return
		}
		f.wait = true
	}
	switch b[0] {
	case frameWelcome:
		if w, ok := decodeWelcome(number, b[helloBytes:]); ok {
			f.join(w)
			f.log.Info().Int("member", from).Msg("ensemble found")
		}
	case frameTaken:
		f.warn(from, "the ensemble knows this member by another data directory, of a server that runs: are there two with this number?")
	}
}

func (f *former) greeted(from int, directory, hash uint64) {
	i := slices.IndexFunc(f.members, func(m Member) bool { return m.Number == from })
	switch {
	case i < 0 || directory == 0:
	case hash == waiting:
		if f.id.number == f.founder && !f.wait {
			f.warn(from, "member has heard of an ensemble, and waits for it: none is founded with its vote")
		}
	case hash != f.hash:
		f.warn(from, "member is configured with other members")
	default:
		f.heard[i] = greeting{directory: directory, at: f.ticks + 1}
	}
}

func (f *former) warn(from int, message string) {
	if w := (warning{from, message}); !f.warned[w] {
		if f.warned == nil {
			f.warned = make(map[warning]bool)
		}
		f.warned[w] = true
		f.log.Error().Int("member", from).Msg(message)
	}
}

func (w welcome) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, w.member)
	b = binary.BigEndian.AppendUint64(b, w.joined)
	b = appendServers(b, w.servers)
	conf, err := proto.Marshal(&pb.ConfState{Voters: w.voters, Learners: w.learners})
	if err != nil {
		panic(err) // there is nothing in it that cannot be written
	}
	return append(b, conf...)
}

func decodeWelcome(cluster uint64, b []byte) (welcome, bool) {
	if len(b) < 16 || cluster == 0 {
		return welcome{}, false
	}
	w := welcome{cluster: cluster, member: binary.BigEndian.Uint64(b), joined: binary.BigEndian.Uint64(b[8:])}
	servers, rest, ok := cutServers(b[16:])
	conf := &pb.ConfState{}
	if !ok || proto.Unmarshal(rest, conf) != nil || w.member == 0 || len(conf.GetVoters()) == 0 {
		return welcome{}, false
	}
	w.servers, w.voters, w.learners = servers, conf.GetVoters(), conf.GetLearners()
	return w, true
}

// form finds the ensemble, or founds it, before raft begins.
func (n *Node) form(ctx context.Context) error {
	f := newFormer(n.id, n.cfg.Members, n.cfg.Join, n.cfg.Log)
	n.cfg.Log.Info().Int("member", n.cfg.Number).Int("members", len(n.cfg.Members)).Int("founder", f.founder).Msg("looking for the other members")
	if f.own {
		n.cfg.Log.Warn().Int("member", n.cfg.Number).Msg("this member has data that the others may not have: it serves nobody until a majority is there and new")
	}
	t := time.NewTicker(helloEvery)
	defer t.Stop()
	n.greet(f)
	for !f.joined {
		if f.err != nil {
			return f.err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-n.net.wake:
		case <-t.C:
			f.tick()
			n.greet(f) // never as an answer: two members would keep each other busy
		}
		for _, r := range n.net.take(nil) {
			n.take(f, r)
		}
	}
	return n.formAs(f.id)
}

// greet says hello to all others: those who are configured, and those who have
// come by themselves, as members do of which this configuration knows nothing.
func (n *Node) greet(f *former) {
	for _, number := range n.peers.guestNumbers() {
		n.cfg.Transport.SendFrame(number, f.hello())
	}
	for _, m := range f.members {
		if m.Number != n.cfg.Number {
			n.cfg.Transport.SendFrame(m.Number, f.hello())
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
	n.peers.set(n.roster.get()) // with new credentials
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
