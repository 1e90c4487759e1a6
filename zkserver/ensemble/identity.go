package ensemble

import (
	"fmt"
	"slices"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"
)

// An identity says who a member is. It is made with the data directory and
// lives as long: whoever loses the directory is a new member, since it may
// have forgotten votes and entries that others rely on.
//
// A member that was configured with others has a number and a directory, and
// belongs to no ensemble at first: its cluster is 0.
type identity struct {
	member  uint64 // raft's number, 0 without a cluster
	cluster uint64 // random number of the whole ensemble
	voters  []uint64

	directory uint64 // random number of the data directory; 0 if made for one member
	number    int    // as configured
	servers   []server
}

// A server is a member that the ensemble was founded with.
type server struct {
	number    int
	directory uint64 // whose number it is, 0 if it is nobody's yet
}

// newIdentity makes the only member of a new ensemble.
func newIdentity() identity {
	// The highest numbers are raft's local threads.
	member := random()>>1 | 1
	return identity{member: member, cluster: random(), voters: []uint64{member}}
}

// newMember makes a member that has yet to find the others.
func newMember(number int) identity {
	return identity{directory: random() | 1, number: number}
}

// join makes the member one of an ensemble that was founded with servers.
func (id identity) join(cluster uint64, servers []server) identity {
	id.cluster, id.servers = cluster, servers
	id.member = memberID(cluster, id.number, 0)
	id.voters = nil
	for _, s := range servers {
		id.voters = append(id.voters, memberID(cluster, s.number, 0))
	}
	slices.Sort(id.voters)
	return id
}

func (id identity) encode() []byte {
	b := fmt.Appendf(nil, "member %016x\ncluster %016x\n", id.member, id.cluster)
	for _, v := range id.voters {
		b = fmt.Appendf(b, "voter %016x\n", v)
	}
	if id.directory != 0 {
		b = fmt.Appendf(b, "directory %016x of %d\n", id.directory, id.number)
	}
	for _, s := range id.servers {
		b = fmt.Appendf(b, "server %d directory %016x\n", s.number, s.directory)
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
		if err := id.decodeLine(line); err != nil {
			return identity{}, fmt.Errorf("read identity: line %q: %w", line, err)
		}
	}
	alone := id.directory == 0 && len(id.servers) == 0
	if unfounded := id.cluster == 0 && len(id.voters) == 0 && !alone; unfounded {
		return id, nil
	}
	if id.member == 0 || len(id.voters) == 0 {
		return identity{}, fmt.Errorf("read identity: no member or no voter")
	}
	return id, nil
}

func (id *identity) decodeLine(line string) error {
	word, _, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "directory":
		_, err = fmt.Sscanf(line, "directory %x of %d", &id.directory, &id.number)
	case "server":
		var s server
		_, err = fmt.Sscanf(line, "server %d directory %x", &s.number, &s.directory)
		id.servers = append(id.servers, s)
	default:
		var v uint64
		_, err = fmt.Sscanf(line, "voter %x", &v)
		id.voters = append(id.voters, v)
	}
	return err
}

// conf is the membership that the ensemble began with.
func (id identity) conf() *pb.ConfState { return &pb.ConfState{Voters: id.voters} }

// founded reports whether the member belongs to an ensemble.
func (id identity) founded() bool { return len(id.voters) > 0 }
