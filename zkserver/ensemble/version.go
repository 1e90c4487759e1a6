package ensemble

import "fmt"

// While the programs of an ensemble are replaced, one after the other, members of
// two versions live together. None may write what another one cannot read, in the
// log and in snapshots. So the version that is written is a part of the replicated
// state. It begins with firstVersion and rises, by an entry of the log,
// when all members are there and speak a later one; it never falls. A member that
// speaks only earlier ones takes no part any more: it would not understand what it
// is sent. Until it rises the earlier program may be taken back.
//
// A member that speaks a later version than is written tells the leader so:
//
//	u8 frameSpeaks | u8 version
//
// A leader that does not know the frame drops it, as it does all that it does not
// know, and raises nothing: frames are not of a version, see doc.go.
const (
	firstVersion = 1

	speakTicks = 20  // between two such frames
	hearsTicks = 100 // how long one counts
)

// A tongue is what a member said that it speaks.
type tongue struct {
	version uint8
	at      uint64 // tick
}

// written is the version that members write.
func (m *membership) written() uint8 { return max(m.version, firstVersion) }

// raise makes members write a later version from entry index on. It is void if the
// members have changed since it was proposed.
func (m *membership) raise(index, base uint64, version uint8) (*membership, bool) {
	if base != m.index || version <= m.written() {
		return m, false
	}
	next := *m
	next.index, next.version = index, version
	return &next, true
}

// understands says what is wrong if members write a version that this one does not
// speak.
func (c Config) understands(m *membership) error {
	if m.written() <= c.Version {
		return nil
	}
	return fmt.Errorf("data directory %s: %w: all members speak version %d and write it, this program speaks no more than %d: run a later one", c.Dir, ErrOutdated, m.written(), c.Version)
}

// Version is the latest that all members are known here to speak, so that it may be
// proposed.
func (n *Node) Version() uint8 { return n.roster.get().written() }

// speak tells the leader what this member speaks, if it is of use. It is called
// every tick.
func (l *loop) speak() {
	if l.clock%speakTicks != 0 || l.leading || l.speaks <= l.roster.get().written() {
		return
	}
	if to, ok := l.peers.numberOf(l.leader); ok {
		l.peers.sendFrame(to, []byte{frameSpeaks, l.speaks})
	}
}

func (l *loop) receiveSpeaks(from int, b []byte) {
	if len(b) < 2 || !l.leading {
		return
	}
	if l.tongues == nil {
		l.tongues = make(map[int]tongue)
	}
	l.tongues[from] = tongue{version: b[1], at: l.clock}
}

// raiseVersion has members write a later version, as the leader, once all speak it.
// Who is not there may have an earlier program.
func (l *loop) raiseVersion() {
	m := l.roster.get()
	if !l.leading || l.speaks <= m.written() || l.raised == m || !l.settled() || m.wish != nil || m.joint() || l.inFlight >= maxInFlight {
		return
	}
	version := l.speaks
	for _, s := range m.servers {
		if s.raft == 0 || s.raft == l.peers.self || s.standing == leaving {
			continue // one that has yet to come will see for itself, and one that leaves keeps nobody waiting
		}
		said := tongue{version: firstVersion}
		if t, ok := l.tongues[s.number]; ok && l.clock-t.at <= hearsTicks {
			said = t
		}
		version = min(version, said.version)
	}
	if version > m.written() && l.note(notice{kind: noticeVersion, base: m.index, version: version}) {
		l.raised = m
		l.log.Info().Uint64("term", l.term).Uint8("version", version).Msg("all members speak a later version, which is written from now on")
	}
}
