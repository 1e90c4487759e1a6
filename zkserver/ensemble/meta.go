package ensemble

import (
	"encoding/binary"
	"errors"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// What a snapshot says about itself, integers big-endian:
//
//	u8 format = 1 | i64 time of the last batch, ms | raftpb.ConfState
//	u8 format = 3 | u8 flags | i64 time | [u8 version] | membership | raftpb.ConfState
//
// The first is that of a server that runs alone and writes the first version. Flag
// 1: another member has sent it, so that it may reach further than the log. Flag 2:
// the version that members write follows the time; without, it is the first. There
// was a format 2, which no release has written.
const (
	metaFormat  = 1
	metaMembers = 3

	metaReceived = 1
	metaVersion  = 2
)

type meta struct {
	time     int64
	members  *membership
	received bool
}

func (m meta) encode() ([]byte, error) {
	var b []byte
	version := m.members.written()
	if !m.received && len(m.members.servers) == 0 && version == firstVersion {
		b = binary.BigEndian.AppendUint64([]byte{metaFormat}, uint64(m.time))
	} else {
		b = []byte{metaMembers, 0}
		if m.received {
			b[1] |= metaReceived
		}
		b = binary.BigEndian.AppendUint64(b, uint64(m.time))
		if version > firstVersion {
			b[1] |= metaVersion
			b = append(b, version)
		}
		b = m.members.append(b)
	}
	return proto.MarshalOptions{}.MarshalAppend(b, m.members.conf)
}

var errMeta = errors.New("snapshot of a format that this version does not read")

func decodeMeta(b []byte) (meta, error) {
	m := meta{members: &membership{}}
	var ok bool
	switch {
	case len(b) >= 9 && b[0] == metaFormat:
		m.time, b = int64(binary.BigEndian.Uint64(b[1:])), b[9:]
	case len(b) > 10 && b[0] == metaMembers && b[1]&^(metaReceived|metaVersion) == 0:
		flags, version := b[1], uint8(0)
		m.received = flags&metaReceived != 0
		m.time, b = int64(binary.BigEndian.Uint64(b[2:])), b[10:]
		if flags&metaVersion != 0 {
			version, b = b[0], b[1:]
		}
		if m.members, b, ok = cutMembership(b); !ok {
			return meta{}, errMeta
		}
		m.members.version = version
	default:
		return meta{}, errMeta
	}
	m.members.conf = &pb.ConfState{}
	return m, proto.Unmarshal(b, m.members.conf)
}
