package ensemble

import (
	"encoding/binary"
	"errors"
)

// A notice is an entry of the log about the members that changes nothing for
// raft. Integers are big-endian:
//
//	u8 format = 2 | u8 kind | u64 term of the proposer | body
//
//	noticeClaim   u64 directory | uvarint number   a number is that of a directory, if it was nobody's
//	noticeAdopt   servers                          a server that ran alone is a member of these
//	noticeWant    u64 base | servers               a wish of the leader's own
//	noticeStep    a step
//	noticeVersion u64 base | u8 version            the version that is written from here on
const (
	noticeFormat = 2
	noticeHeader = 1 + 1 + 8
)

type noticeKind uint8

const (
	noticeClaim noticeKind = iota
	noticeAdopt
	noticeWant
	noticeStep
	noticeVersion
)

type notice struct {
	kind      noticeKind
	term      uint64
	number    int    // of a claim
	directory uint64 // of a claim
	base      uint64 // of a want, and of a version
	version   uint8
	servers   []server
	step      step
}

var errNotice = errors.New("malformed notice, or written by a later version")

func (n notice) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{noticeFormat, byte(n.kind)}, n.term)
	switch n.kind {
	case noticeClaim:
		b = binary.BigEndian.AppendUint64(b, n.directory)
		return binary.AppendUvarint(b, uint64(n.number))
	case noticeAdopt:
		return appendServers(b, n.servers)
	case noticeWant:
		return appendServers(binary.BigEndian.AppendUint64(b, n.base), n.servers)
	case noticeVersion:
		return append(binary.BigEndian.AppendUint64(b, n.base), n.version)
	default:
		return n.step.append(b)
	}
}

func decodeNotice(b []byte) (n notice, err error) {
	if len(b) < noticeHeader || b[0] != noticeFormat {
		return notice{}, errNotice
	}
	n.kind, n.term = noticeKind(b[1]), binary.BigEndian.Uint64(b[2:])
	b = b[noticeHeader:]
	if n.kind == noticeClaim || n.kind == noticeWant || n.kind == noticeVersion {
		if len(b) < 8 {
			return notice{}, errNotice
		}
		n.directory = binary.BigEndian.Uint64(b)
		n.base = n.directory
		b = b[8:]
	}
	ok := true
	switch n.kind {
	case noticeClaim:
		var number uint64
		number, b, ok = uvarint(b)
		ok = ok && number <= maxNumber
		n.number = int(number)
	case noticeAdopt, noticeWant:
		n.servers, b, ok = cutServers(b)
	case noticeStep:
		n.step, err = decodeStep(b)
		return n, err
	case noticeVersion:
		if ok = len(b) == 1; ok {
			n.version, b = b[0], nil
		}
	default:
		return notice{}, errNotice
	}
	if !ok || len(b) > 0 {
		return notice{}, errNotice
	}
	return n, nil
}

// claim has the log give a number to a directory.
func (l *loop) claim(number int, directory uint64) {
	if l.leading && l.inFlight < maxInFlight {
		l.note(notice{kind: noticeClaim, number: number, directory: directory})
	}
}

// note proposes a notice, as the leader.
func (l *loop) note(n notice) bool {
	n.term = l.term
	if l.raft.Propose(n.encode()) != nil {
		return false
	}
	l.inFlight++
	l.ready()
	return true
}
