package ensemble

import (
	"fmt"
	"math/rand/v2"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"
)

// An identity says who a member is. It is made with the data directory and
// lives as long: whoever loses the directory is a new member, since it may
// have forgotten votes and entries that others rely on.
type identity struct {
	member  uint64 // raft's number, never 0
	cluster uint64 // random number of the whole ensemble
	voters  []uint64
}

// newIdentity makes the only member of a new ensemble.
func newIdentity() identity {
	// The highest numbers are raft's local threads.
	member := rand.Uint64N(1<<63) + 1
	return identity{member: member, cluster: rand.Uint64(), voters: []uint64{member}}
}

func (id identity) encode() []byte {
	b := fmt.Appendf(nil, "member %016x\ncluster %016x\n", id.member, id.cluster)
	for _, v := range id.voters {
		b = fmt.Appendf(b, "voter %016x\n", v)
	}
	return b
}

func decodeIdentity(b []byte) (identity, error) {
	var id identity
	rest := string(b)
	if _, err := fmt.Sscanf(rest, "member %x\ncluster %x\n", &id.member, &id.cluster); err != nil {
		return identity{}, fmt.Errorf("read identity: %w", err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(rest, "\n"), "\n")[2:] {
		var v uint64
		if _, err := fmt.Sscanf(line, "voter %x", &v); err != nil {
			return identity{}, fmt.Errorf("read identity: line %q: %w", line, err)
		}
		id.voters = append(id.voters, v)
	}
	if id.member == 0 || len(id.voters) == 0 {
		return identity{}, fmt.Errorf("read identity: no member or no voter")
	}
	return id, nil
}

// conf is the membership that the ensemble began with.
func (id identity) conf() *pb.ConfState { return &pb.ConfState{Voters: id.voters} }
