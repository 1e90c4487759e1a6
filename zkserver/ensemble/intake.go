package ensemble

import "slices"

const (
	// intakeBytes is how much that was forwarded may wait to be proposed. What
	// has no room is not accepted, and so sent again.
	intakeBytes = 16 << 20

	// maxOrigins is how many origins of one member are remembered in one term. It
	// has one, and another after each start; frames of those before may still be on
	// their way. Those heard of last stay, whatever other members do: one that was
	// forgotten could not go on, and its first frame would be taken again.
	maxOrigins = 4
)

// An intake takes what followers forward to the leader. The raft loop owns it.
type intake struct {
	term     uint64
	senders  []sender
	clock    uint64    // counts frames
	commands []Command // accepted and not yet in a batch
	bytes    int
	sifted   bool // a command was refused, and a line says so
	last     bool // the last mixed batch began with forwarded commands
}

// A sender is one origin in the term of the intake.
type sender struct {
	from   int // the member
	origin uint64
	next   uint64 // the number that is wanted
	heard  uint64 // by the clock
}

// begin starts a term as leader, or ends one: what was not proposed is dropped,
// and sent again by who sent it.
func (in *intake) begin(term uint64) { *in = intake{term: term} }

// take accepts a frame of a member, if it is its turn, and gives the number to
// answer with.
// It is refused if it must come again: what was accepted before need not.
func (in *intake) take(from int, f forward) (next uint64, refused bool) {
	s := in.sender(from, f.origin)
	in.clock++
	s.heard = in.clock
	size := 0
	for _, c := range f.commands {
		size += c.bytes()
	}
	if f.number != s.next || in.bytes > 0 && in.bytes+size > intakeBytes {
		return s.next, f.number >= s.next
	}
	s.next += uint64(len(f.commands))
	in.commands = append(in.commands, f.commands...)
	in.bytes += size
	return s.next, false
}

func (in *intake) sender(from int, origin uint64) *sender {
	count, oldest := 0, -1
	for i, s := range in.senders {
		if s.from != from {
			continue
		}
		if s.origin == origin {
			return &in.senders[i]
		}
		if count++; oldest < 0 || s.heard < in.senders[oldest].heard {
			oldest = i
		}
	}
	if count < maxOrigins {
		in.senders = append(in.senders, sender{from: from, origin: origin})
		return &in.senders[len(in.senders)-1]
	}
	in.senders[oldest] = sender{from: from, origin: origin}
	return &in.senders[oldest]
}

// A mix is the commands of a batch: some of our own and some of others.
type mix struct {
	commands    []Command
	own, others int
	origin      uint64 // of our own
}

// merge gives the commands of the next batch, of limit bytes: some that were
// forwarded and some of our own, which peek gives. The two take turns to be
// first and have about half of the room each.
func (in *intake) merge(peek func(limit int) []Command, limit int) mix {
	if len(in.commands) == 0 {
		own := peek(limit)
		return mixOf(own, nil, own)
	}
	own := peek(limit / 2)
	if len(own) == 0 {
		others := in.commands[:cutBatch(in.commands, limit)]
		return mixOf(nil, others, others)
	}
	if in.last = !in.last; in.last {
		others := in.commands[:cutBatch(in.commands, limit/2)]
		own = own[:fit(own, limit-size(others), maxBatchCommands-len(others))]
		return mixOf(own, others, slices.Concat(others, own))
	}
	own = own[:min(len(own), maxBatchCommands/2)]
	others := in.commands[:fit(in.commands, limit-size(own), maxBatchCommands-len(own))]
	return mixOf(own, others, slices.Concat(own, others))
}

func mixOf(own, others, all []Command) mix {
	m := mix{commands: all, own: len(own), others: len(others)}
	if len(own) > 0 {
		m.origin = own[0].Origin
	}
	return m
}

// drop removes the first n commands, which are in a batch now.
func (in *intake) drop(n int) {
	in.bytes -= size(in.commands[:n])
	clear(in.commands[:n]) // lets go of the data
	if in.commands = in.commands[n:]; len(in.commands) == 0 {
		in.commands = nil
	}
}

func size(commands []Command) int {
	n := 0
	for _, c := range commands {
		n += c.bytes()
	}
	return n
}

// fit gives how many of the commands, from the first on, have room, which may
// be none.
func fit(commands []Command, limit, count int) int {
	n := 0
	for n < min(len(commands), count) {
		if limit -= commands[n].bytes(); limit < 0 {
			break
		}
		n++
	}
	return n
}
