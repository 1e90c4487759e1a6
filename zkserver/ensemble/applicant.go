package ensemble

import (
	"cmp"
	"encoding/binary"
)

// Who was a member and is none any more is noticed when it makes a connection. As
// one that says hello it may be let in again. A follower passes on either, so that
// the leader knows of it. member is raft's number, 0 of one that has none, or was
// only let in:
//
//	u8 frameReturn | u64 directory | u64 member              from Admit to the raft loop
//	u8 frameRelay  | u64 directory | u64 member | u8 number
const (
	relayBytes = helloBytes + 1
)

// An applicant is one who is no member and would like to be.
type applicant struct {
	directory uint64
	raft      uint64 // its number, if it was a member that counted before
	at        uint64 // tick of the last hello
}

// blank reports whether an applicant has forgotten all, or was never a member: one
// that was let in for a change that was not made is none, and may try again. It has
// forgotten nothing since, so that it is the same one for raft. The directory of one
// that has been a member is an old one, which takes nobody's place by itself.
func (v applicant) blank() bool { return v.raft == 0 }

// memberID is raft's number of the applicant as a member.
func (v applicant) memberID(cluster uint64, number int) uint64 {
	return cmp.Or(v.raft, memberID(cluster, number, v.directory))
}

// applicantTicks is how long a hello of an applicant counts.
const applicantTicks = 200

// receiveHello answers a hello. The leader remembers who is no member, and has a
// number claimed that is nobody's yet.
func (l *loop) receiveHello(from int, b []byte) {
	if len(b) != helloBytes || from > maxNumber {
		return
	}
	directory, member := binary.BigEndian.Uint64(b[1:]), uint64(0)
	m := l.roster.get()
	if b[0] == frameReturn {
		member = binary.BigEndian.Uint64(b[9:])
	} else {
		l.peers.sendFrame(from, l.answer(m, from, directory))
	}
	switch s, ok := m.owner(from); {
	case knownMember(m, from, directory):
	case ok && s.directory == 0:
		l.claim(from, directory)
	case l.leading:
		l.remember(from, directory, member)
	default:
		if to, ok := l.peers.numberOf(l.leader); ok {
			l.peers.sendFrame(to, append(appendFrame(frameRelay, directory, member), byte(from)))
		}
	}
}

func knownMember(m *membership, number int, directory uint64) bool {
	s, ok := m.find(number, directory)
	return ok && s.raft != 0
}

// receiveRelay takes what a follower passes on.
func (l *loop) receiveRelay(b []byte) {
	if len(b) != relayBytes || !l.leading {
		return
	}
	number, directory := int(b[helloBytes]), binary.BigEndian.Uint64(b[1:])
	if !knownMember(l.roster.get(), number, directory) {
		l.remember(number, directory, binary.BigEndian.Uint64(b[9:]))
	}
}

// remember notes one who is no member.
func (l *loop) remember(number int, directory, member uint64) {
	if l.applicants == nil {
		l.applicants = make(map[int]applicant)
	}
	if v, ok := l.applicant(number); ok && v.directory != directory {
		return // the first one stays
	}
	if l.applicants[number].directory != directory {
		l.log.Info().Int("member", number).Msg("one that is no member says hello")
	}
	l.applicants[number] = applicant{directory: directory, raft: member, at: l.clock}
}

// applicant gives the one with a number, if it was heard lately.
func (l *loop) applicant(number int) (applicant, bool) {
	v, ok := l.applicants[number]
	return v, ok && l.clock-v.at <= applicantTicks
}

// answer is what a member of an ensemble says to a hello.
func (l *loop) answer(m *membership, from int, directory uint64) []byte {
	s, known := m.find(from, directory)
	kind := byte(frameWait)
	switch {
	case known && s.raft != 0:
		kind = frameWelcome
	case l.leading && l.active(from):
		kind = frameTaken
	}
	reply := binary.BigEndian.AppendUint64([]byte{kind}, directory)
	if kind != frameWelcome { // the others are not told what members prove themselves by
		return binary.BigEndian.AppendUint64(reply, 0)
	}
	reply = binary.BigEndian.AppendUint64(reply, l.id.cluster)
	return l.id.welcome(s, m.index).append(reply)
}

// active reports whether the leader has heard lately from the voter or observer
// that has a number.
func (l *loop) active(number int) bool {
	s, ok := l.roster.get().owner(number)
	return ok && s.raft != 0 && (s.raft == l.peers.self || l.heardLately(s.raft))
}
