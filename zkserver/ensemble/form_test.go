package ensemble

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

func formersOf(numbers ...int) []*former {
	var all []*former
	for _, n := range numbers {
		all = append(all, newFormer(newMember(n), numbers, zerolog.Nop()))
	}
	return all
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
	for range helloListens {
		all[0].receive(2, all[1].hello())
		all[0].receive(3, all[2].hello())
		all[0].tick()
	}
	if !all[0].joined {
		t.Fatal("not founded by three of five")
	}
	want := []server{{1, all[0].id.directory}, {2, all[1].id.directory}, {3, all[2].id.directory}, {4, 0}, {5, 0}}
	if diff := cmp.Diff(want, all[0].id.servers, cmp.AllowUnexported(server{})); diff != "" {
		t.Error(diff)
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
	founder := formersOf(1, 2, 3)[0].id
	second, third := newMember(2), newMember(3)
	id := founder.join(77, []server{{1, founder.directory}, {2, second.directory}, {3, 0}})
	l := &loop{id: id, roster: &roster{}}
	l.roster.set(id.servers)
	ask := func(who identity) *former {
		f := newFormer(who, []int{1, 2, 3}, zerolog.Nop())
		reply, claim := l.answer(who.number, f.hello())
		if claim != (who.number == 3) {
			t.Errorf("member %d: claim is %v", who.number, claim)
		}
		f.receive(1, reply)
		return f
	}
	if f := ask(second); !f.joined || f.id.cluster != 77 || f.id.member != memberID(77, 2, 0) || !slices.Equal(f.id.voters, id.voters) {
		t.Errorf("the second member was not taken in: %+v", f.id)
	}
	if f := ask(third); f.joined || !f.wait {
		t.Error("the third member was taken in without a claim")
	}
	l.roster.claim(3, 5)
	l.roster.claim(3, third.directory) // too late
	if reply, _ := l.answer(3, newFormer(third, []int{1, 2, 3}, zerolog.Nop()).hello()); reply[0] != frameTaken {
		t.Errorf("answer of kind %d to a wiped member", reply[0])
	}
	if reply, _ := l.answer(9, newFormer(newMember(9), []int{9}, zerolog.Nop()).hello()); reply != nil {
		t.Error("a stranger was answered")
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
	for _, want := range []identity{id, id.join(5, []server{{0, id.directory}, {3, 0}, {255, 9}})} {
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
	f.Add(appendServers(append([]byte{frameWelcome}, all[0].hello()[1:]...), []server{{1, 2}, {3, 4}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		fo := formersOf(1, 2, 3)[0]
		fo.receive(2, b)
		fo.tick()
		if got, err := decodeIdentity(fo.id.encode()); err != nil || !cmp.Equal(got, fo.id, cmp.AllowUnexported(identity{}, server{})) {
			t.Errorf("identity %+v comes back as %+v, %v", fo.id, got, err)
		}
	})
}

func TestClaimRoundTrips(t *testing.T) {
	b := encodeClaim(9, server{255, 1 << 63})
	s, term, err := decodeClaim(b)
	if err != nil || term != 9 || s != (server{255, 1 << 63}) {
		t.Errorf("%+v in term %d, %v", s, term, err)
	}
	for n := range b {
		if _, _, err := decodeClaim(b[:n]); err == nil {
			t.Errorf("%d of %d bytes were decoded", n, len(b))
		}
	}
}
