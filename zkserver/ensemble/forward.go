package ensemble

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A follower packs its commands into frames, by the same rule as the leader
// makes batches, and sends them to the leader. Integers are big-endian:
//
//	u8 frameForward  | u64 term | u64 origin | u64 number | uvarint n, then n times: uvarint seq | uvarint length | data
//	u8 frameAccepted | u64 term | u64 origin | u64 number
//	u8 frameRefused  | u64 term | u64 origin | u64 number
//
// number counts the commands of an origin in a term, from 0: in a forward that
// of the first command, in an accepted that of the next one the leader wants, in
// a refused that of the forward for which it had no room, or which came out of
// turn. A frame is sent again until it is accepted; the leader takes each number
// once and in turn, as long as the term lasts. So what is forwarded is proposed
// in order, and once in a term.
const forwardHeader = 1 + 8 + 8 + 8

var errFrame = errors.New("malformed frame")

// forward sends the leader frames of what is in the backlog, on a follower,
// if not too many are on their way.
func (l *loop) forward() {
	to, ok := l.peers.numberOf(l.leader)
	if l.leading || !ok {
		return
	}
	for l.forwards.settle(l.backlog.underWay()) < maxInFlight {
		commands := l.backlog.peek(l.term, l.batchLimit)
		if len(commands) == 0 {
			return
		}
		origin := commands[0].Origin
		l.forwards.begin(l.term, origin)
		l.peers.sendFrame(to, l.forwards.add(commands))
		l.backlog.sent(len(commands), origin, l.term)
	}
}

// receiveForward takes commands of a follower, if they are meant for this term
// of ours.
func (l *loop) receiveForward(from int, f forward) {
	if !l.leading || f.term != l.term {
		return
	}
	if l.rooms.mine() == empty { // it does not know yet
		l.peers.sendFrame(from, appendForwardHeader(nil, frameRefused, f.term, f.origin, f.number))
		return
	}
	l.sift(from, f.commands)
	next, refused := l.intake.take(from, f)
	l.peers.sendFrame(from, appendForwardHeader(nil, frameAccepted, f.term, f.origin, next))
	if refused {
		l.peers.sendFrame(from, appendForwardHeader(nil, frameRefused, f.term, f.origin, f.number))
	}
}

// turnAway refuses a forward of which only the header is there.
func (l *loop) turnAway(from int, header []byte) {
	header[0] = frameRefused
	if f, err := decodeForward(header); err == nil && l.leading && f.term == l.term {
		l.peers.sendFrame(from, header)
	}
}

// resend sends the frames again for which it is time.
func (l *loop) resend() {
	to, ok := l.peers.numberOf(l.leader)
	if !ok || l.leading || l.forwards.term != l.term {
		return
	}
	l.forwards.settle(l.backlog.underWay())
	for _, frame := range l.forwards.tick() {
		l.peers.sendFrame(to, frame)
	}
}

// reached takes the news of a new connection to a member: what was sent to it
// before may be lost.
func (l *loop) reached(number int) {
	if to, ok := l.peers.numberOf(l.leader); ok && to == number {
		l.forwards.lost()
	}
}

// sift empties the commands that are too large for the log here, or that this
// member cannot decode. They keep their places, or nothing behind them would come
// through.
func (l *loop) sift(from int, commands []Command) {
	for i := range commands {
		err := l.judge(commands[i].Data)
		if err == nil {
			continue
		}
		commands[i].Data = nil
		if !l.intake.sifted {
			l.intake.sifted = true
			l.log.Error().Int("member", from).Uint64("term", l.term).Err(err).Msg("forwarded command refused")
		}
	}
}

// judge says what is wrong with the data of a forwarded command.
func (l *loop) judge(data []byte) error {
	switch {
	case len(data) > l.maxCommand:
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(data), l.maxCommand)
	case l.check != nil:
		return l.check(data)
	}
	return nil
}

func encodeForward(term, origin, number uint64, commands []Command) []byte {
	size := forwardHeader + binary.MaxVarintLen64
	for _, c := range commands {
		size += c.bytes()
	}
	b := appendForwardHeader(make([]byte, 0, size), frameForward, term, origin, number)
	b = binary.AppendUvarint(b, uint64(len(commands)))
	for _, c := range commands {
		b = binary.AppendUvarint(b, c.Seq)
		b = binary.AppendUvarint(b, uint64(len(c.Data)))
		b = append(b, c.Data...)
	}
	return b
}

func appendForwardHeader(b []byte, kind byte, term, origin, number uint64) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint64(b, term)
	b = binary.BigEndian.AppendUint64(b, origin)
	return binary.BigEndian.AppendUint64(b, number)
}

// A forward is a decoded frame. commands share its memory.
type forward struct {
	term, origin, number uint64
	commands             []Command
}

// decodeForward reads a frameForward or an answer to one, kind included.
func decodeForward(b []byte) (forward, error) {
	if len(b) < forwardHeader {
		return forward{}, errFrame
	}
	f := forward{
		term:   binary.BigEndian.Uint64(b[1:]),
		origin: binary.BigEndian.Uint64(b[9:]),
		number: binary.BigEndian.Uint64(b[17:]),
	}
	kind, b := b[0], b[forwardHeader:]
	if kind != frameForward {
		if len(b) > 0 {
			return forward{}, errFrame
		}
		return f, nil
	}
	n, b, ok := uvarint(b)
	if !ok || n == 0 || n > uint64(len(b)/2) || n > maxBatchCommands { // a command takes 2 bytes or more
		return forward{}, errFrame
	}
	f.commands = make([]Command, n)
	for i := range f.commands {
		c := &f.commands[i]
		c.Origin = f.origin
		if c.Seq, c.Data, b, ok = forwarded(b); !ok {
			return forward{}, errFrame
		}
	}
	if len(b) > 0 {
		return forward{}, errFrame
	}
	return f, nil
}

// forwarded reads one command of a frame.
func forwarded(b []byte) (seq uint64, data, rest []byte, ok bool) {
	if seq, b, ok = uvarint(b); !ok {
		return 0, nil, nil, false
	}
	size, b, ok := uvarint(b)
	if !ok || size > uint64(len(b)) {
		return 0, nil, nil, false
	}
	return seq, b[:size:size], b[size:], true
}
