package ensemble

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

func formersOf(numbers ...int) []*former {
	var all []*former
	for _, n := range numbers {
		all = append(all, newFormer(newMember(n), membersOf(numbers...), false, zerolog.Nop()))
	}
	return all
}

func membersOf(numbers ...int) []Member {
	var members []Member
	for _, n := range numbers {
		members = append(members, Member{Number: n})
	}
	return members
}

// foundedBy gives the identity of the first member of an ensemble, in which the
// directories have numbers from 1 on.
func foundedBy(cluster uint64, directories ...uint64) identity {
	w := welcome{cluster: cluster, member: memberID(cluster, 1, 0), joined: bootstrapIndex}
	for i, d := range directories {
		s := server{number: i + 1, directory: d, raft: memberID(cluster, i+1, 0), address: "h:1", spec: "x y"}
		w.servers, w.voters = append(w.servers, s), append(w.voters, s.raft)
	}
	slices.Sort(w.voters)
	return identity{directory: directories[0], number: 1}.join(w)
}

func TestFounderWaitsForAMajority(t *testing.T) {
	all := formersOf(1, 2, 3, 4, 5)
	for range 3 * helloListens {
		all[0].receive(2, all[1].hello())
		all[0].tick()
		all[1].receive(1, all[0].hello())
		all[1].receive(3, all[2].hello())
		all[1].receive(4, all[3].hello())
		all[1].tick()
	}
	if all[0].joined || all[1].joined {
		t.Fatal("founded by two of five, or by who is not the founder")
	}
	for i := range helloListens + 1 {
		if all[0].joined {
			t.Fatalf("founded without two, who were waited for %d ticks", i)
		}
		all[0].receive(2, all[1].hello())
		all[0].receive(3, all[2].hello())
		all[0].tick()
	}
	if !all[0].joined {
		t.Fatal("not founded by three of five")
	}
	want := []uint64{all[0].id.directory, all[1].id.directory, all[2].id.directory, 0, 0}
	for i, s := range all[0].id.servers {
		if s.number != i+1 || s.directory != want[i] || s.raft != memberID(all[0].id.cluster, i+1, 0) {
			t.Errorf("%+v, want directory %d", s, want[i])
		}
	}
}

func TestFounderDoesNotWaitWhenAllAreThere(t *testing.T) {
	all := formersOf(1, 2, 3)
	all[0].receive(2, all[1].hello())
	all[0].tick()
	if all[0].joined {
		t.Fatal("founded without the third")
	}
	all[0].receive(3, all[2].hello())
	all[0].tick()
	if !all[0].joined {
		t.Error("not founded by all")
	}
}

// A server that ran alone needs time to load its state, and answers then.
func TestFounderWaitsForAServerThatLoads(t *testing.T) {
	all := formersOf(1, 2, 3)
	for range helloListens - 1 {
		all[0].receive(2, all[1].hello())
		all[0].tick()
	}
	all[0].receive(3, append([]byte{frameWait}, appendFrame(0, all[0].id.directory, 77)[1:]...))
	for range 3 * helloListens {
		all[0].receive(2, all[1].hello())
		all[0].tick()
	}
	if all[0].joined {
		t.Error("founded a second ensemble beside a server that has one")
	}
}

func TestHelloOfLongAgoDoesNotCount(t *testing.T) {
	all := formersOf(1, 2, 3)
	all[0].receive(2, all[1].hello())
	for range helloListens + 2 {
		all[0].tick()
	}
	if all[0].joined {
		t.Error("founded with a member that may be gone")
	}
}

func TestOtherConfigurationIsNotCounted(t *testing.T) {
	a, b := formersOf(1, 2), formersOf(1, 2, 3)
	a[0].receive(2, b[1].hello())
	a[0].tick()
	if a[0].joined {
		t.Error("founded by members that know different ones")
	}
}

// A member answers a hello by what the roster says.
func TestEnsembleAnswersHello(t *testing.T) {
	second, third := newMember(2), newMember(3)
	id := foundedBy(77, 5, second.directory, 0)
	l := &loop{id: id, roster: newRoster(), peers: &peers{self: id.member, number: 1}}
	l.roster.set(id.founding())
	ask := func(who identity) *former {
		f := newFormer(who, membersOf(1, 2, 3), false, zerolog.Nop())
		f.receive(1, l.answer(l.roster.get(), who.number, who.directory))
		return f
	}
	if f := ask(second); !f.joined || f.id.cluster != 77 || f.id.member != memberID(77, 2, 0) || !slices.Equal(f.id.voters, id.voters) {
		t.Errorf("the second member was not taken in: %+v", f.id)
	}
	if f := ask(third); f.joined || !f.wait {
		t.Error("the third member was taken in without a claim")
	}
	l.roster.set(l.roster.get().claim(9, 3, third.directory))
	l.roster.set(l.roster.get().claim(10, 3, 6)) // too late
	if f := ask(third); !f.joined || f.id.joined != 9 {
		t.Errorf("the third member was not taken in: %+v", f.id)
	}
	if f := ask(newMember(3)); f.joined || !f.wait {
		t.Error("a wiped member was taken for what it was")
	}
	l.leading, l.heard = true, map[uint64]uint64{memberID(77, 3, 0): 0}
	if reply := l.answer(l.roster.get(), 3, 6); reply[0] != frameTaken {
		t.Errorf("answer of kind %d to one who has the number of another", reply[0])
	}
}

func TestFounderDoesNotFoundASecondEnsemble(t *testing.T) {
	all := formersOf(1, 2, 3)
	reply := append([]byte{frameTaken}, all[0].hello()[1:]...)
	all[0].receive(3, reply)
	for range 3 * helloListens {
		all[0].receive(2, all[1].hello())
		all[0].tick()
	}
	if all[0].joined {
		t.Error("founded although there is an ensemble")
	}
}

func TestIdentityOfAMemberRoundTrips(t *testing.T) {
	id := newMember(0)
	for _, want := range []identity{id, foundedBy(5, id.directory, 0, 9)} {
		got, err := decodeIdentity(want.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(identity{}, server{})); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzFormer(f *testing.F) {
	all := formersOf(1, 2, 3)
	f.Add(all[1].hello())
	f.Add(foundedBy(7, 2, 4).welcome(server{raft: 3}, 1).append(append([]byte{frameWelcome}, all[0].hello()[1:]...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		fo := formersOf(1, 2, 3)[0]
		fo.receive(2, b)
		fo.tick()
		if got, err := decodeIdentity(fo.id.encode()); err != nil || !cmp.Equal(got, fo.id, cmp.AllowUnexported(identity{}, server{})) {
			t.Errorf("identity %+v comes back as %+v, %v", fo.id, got, err)
		}
	})
}

func TestEachProblemOfEachMemberIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	f := newFormer(newMember(1), membersOf(1, 2, 3), false, zerolog.New(&out))
	for range 2 {
		f.warn(2, "one")
		f.warn(3, "one")
		f.warn(2, "two")
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 3 {
		t.Errorf("%d lines, want 3:\n%s", n, &out)
	}
}
