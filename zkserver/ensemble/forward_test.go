package ensemble

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func commandsOf(origin uint64, sizes ...int) []Command {
	var commands []Command
	for i, size := range sizes {
		commands = append(commands, Command{Origin: origin, Seq: uint64(i), Data: bytes.Repeat([]byte{byte(i)}, size)})
	}
	return commands
}

func TestForwardRoundTrip(t *testing.T) {
	want := forward{term: 1<<64 - 1, origin: 7, number: 300, commands: commandsOf(7, 0, 1, 3000)}
	b := encodeForward(want.term, want.origin, want.number, want.commands)
	got, err := decodeForward(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(forward{})); diff != "" {
		t.Error(diff)
	}
	for n := 1; n < len(b); n++ {
		if _, err := decodeForward(b[:n]); err == nil {
			t.Errorf("%d of %d bytes were decoded", n, len(b))
		}
	}
	if _, err := decodeForward(append(b, 0)); err == nil {
		t.Error("trailing bytes were taken")
	}
}

func FuzzForward(f *testing.F) {
	f.Add(encodeForward(1, 2, 3, commandsOf(2, 1, 2)))
	f.Add(appendForwardHeader(nil, frameAccepted, 1, 2, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		got, err := decodeForward(b)
		if err != nil || b[0] == frameAccepted {
			return
		}
		again, err := decodeForward(encodeForward(got.term, got.origin, got.number, got.commands))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again, cmp.AllowUnexported(forward{})); diff != "" {
			t.Error(diff)
		}
	})
}

// Whatever is lost, comes twice or too early: each command is taken once and in
// turn.
func TestIntakeTakesEachNumberOnceAndInTurn(t *testing.T) {
	var in intake
	in.begin(5)
	all := commandsOf(1, 1, 1, 1, 1, 1)
	of := func(from, to int) forward {
		return forward{term: 5, origin: 1, number: uint64(from), commands: all[from:to]}
	}
	for _, step := range []struct {
		f    forward
		next uint64
	}{
		{of(2, 4), 0}, // the one before is still on its way
		{of(0, 2), 2},
		{of(0, 2), 2}, // again
		{of(2, 4), 4},
		{of(4, 5), 5},
		{of(2, 4), 5},
	} {
		if got, _ := in.take(1, step.f); got != step.next {
			t.Errorf("%d to %d: next is %d, want %d", step.f.number, step.f.number+uint64(len(step.f.commands)), got, step.next)
		}
	}
	if diff := cmp.Diff(all, in.commands); diff != "" {
		t.Error(diff)
	}
	in.drop(3)
	if in.bytes != size(all[3:]) {
		t.Errorf("%d bytes are left", in.bytes)
	}
	in.begin(6)
	if next, refused := in.take(1, of(4, 5)); next != 0 || !refused || len(in.commands) != 0 {
		t.Error("a new term does not begin anew")
	}
}

func TestIntakeIsBounded(t *testing.T) {
	var in intake
	big := commandsOf(1, intakeBytes-1000)
	in.take(1, forward{origin: 1, commands: big})
	if next, refused := in.take(1, forward{origin: 2, commands: commandsOf(2, 2000)}); next != 0 || !refused {
		t.Error("taken without room")
	}
	in.drop(1)
	if next, refused := in.take(1, forward{origin: 2, commands: commandsOf(2, 2000)}); next != 1 || refused {
		t.Error("not taken with room")
	}
	for origin := range uint64(10 * maxOrigins) {
		in.take(1, forward{origin: origin, number: 1})
	}
	if len(in.senders) > maxOrigins {
		t.Errorf("%d senders are remembered", len(in.senders))
	}
}

// A member that forwarded once was forgotten while another one started often: it
// could not go on in that term, and a late copy of its first frame was taken again.
func TestTheStartsOfOneMemberDoNotMakeTheLeaderForgetAnother(t *testing.T) {
	var in intake
	in.begin(5)
	all := commandsOf(1000, 1, 1)
	first := forward{term: 5, origin: 1000, commands: all[:1]}
	in.take(2, first)
	for origin := range uint64(300) {
		in.take(3, forward{term: 5, origin: origin, commands: commandsOf(origin, 1)})
	}
	had := len(in.commands)
	if in.take(2, first); len(in.commands) != had {
		t.Error("a command is taken twice in one term")
	}
	if next, refused := in.take(2, forward{term: 5, origin: 1000, number: 1, commands: all[1:]}); next != 2 || refused {
		t.Errorf("next is %d, refused %v: it cannot go on", next, refused)
	}
}

// Neither those who forward nor those who propose at the leader can keep the
// others out of a batch for long, and no batch is too large for an entry.
func TestBatchesMixOwnAndForwarded(t *testing.T) {
	const limit = 10_000
	for _, own := range [][]Command{commandsOf(1, 20_000), commandsOf(1, 9000, 9000), commandsOf(1, 100, 100)} {
		for _, others := range [][]Command{commandsOf(2, 20_000), commandsOf(2, 9000, 9000), commandsOf(2, 100, 100)} {
			var in intake
			in.take(1, forward{origin: 2, commands: others})
			mine, ours, theirs := own, 0, 0
			for range 2 {
				m := in.merge(func(limit int) []Command { return mine[:cutBatch(mine, limit)] }, limit)
				if size(m.commands) > limit && len(m.commands) > 1 {
					t.Errorf("a batch of %d commands has %d bytes", len(m.commands), size(m.commands))
				}
				if m.own+m.others != len(m.commands) {
					t.Errorf("%d and %d make %d", m.own, m.others, len(m.commands))
				}
				mine = mine[m.own:]
				in.drop(m.others)
				ours, theirs = ours+m.own, theirs+m.others
			}
			if ours == 0 || theirs == 0 {
				t.Errorf("two batches have %d of our own and %d forwarded", ours, theirs)
			}
		}
	}
}
