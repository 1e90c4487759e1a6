package ensemble

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

// receiveFrame takes a frame from another member. One that makes no sense is
// dropped: the transport has checked that it is whole, so that it comes from a
// version that says more.
func (l *loop) receiveFrame(from int, b []byte) {
	if len(b) == 0 {
		return
	}
	switch b[0] {
	case frameForward, frameAccepted:
		f, err := decodeForward(b)
		if err != nil {
			l.log.Warn().Int("member", from).Err(err).Msg("frame dropped")
			return
		}
		if b[0] == frameAccepted {
			l.forwards.accepted(f)
			return
		}
		l.receiveForward(from, f)
	case frameTell:
		l.receiveTell(from, b)
	case frameTold:
		l.receiveTold(b)
	case frameHello, frameReturn:
		l.receiveHello(from, b)
	case frameRelay:
		l.receiveRelay(b)
	}
}

// receiveForward takes commands of a follower, if they are meant for this term
// of ours.
func (l *loop) receiveForward(from int, f forward) {
	if !l.leading || f.term != l.term {
		return
	}
	for _, c := range f.commands {
		if len(c.Data) > l.maxCommand {
			l.log.Error().Int("member", from).Int("bytes", len(c.Data)).Msg("forwarded command too large for the log here")
			return
		}
	}
	l.sift(from, f.commands)
	next := l.intake.take(f)
	l.peers.sendFrame(from, appendForwardHeader(nil, frameAccepted, f.term, f.origin, next))
}

// sift empties the commands that this member cannot decode.
func (l *loop) sift(from int, commands []Command) {
	if l.check == nil {
		return
	}
	for i := range commands {
		err := l.check(commands[i].Data)
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
