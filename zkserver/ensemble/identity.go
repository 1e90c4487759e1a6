package ensemble

import (
	"errors"
	"fmt"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"
)

// An identity says who a member is. It is made with the data directory and
// lives as long: whoever loses the directory is a new member, since it may
// have forgotten votes and entries that others rely on.
//
// A member that was configured with others has a number and a directory, and
// belongs to no ensemble at first: its cluster is 0. A server that runs alone has
// neither, until it is started as a member.
type identity struct {
	member  uint64 // raft's number, 0 without a cluster
	cluster uint64 // random number of the whole ensemble

	// What the ensemble was founded with, where every log begins.
	voters    []uint64
	observers []uint64
	servers   []server

	directory uint64 // random number of the data directory; 0 if made for one member
	number    int    // as configured
	joined    uint64 // entry of the log at which it is a member
	void      string // why the directory must not be used any more; empty if it may
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

// A welcome says to which ensemble a member belongs, and as what.
type welcome struct {
	cluster, member  uint64
	joined           uint64
	servers          []server // of the founding
	voters, learners []uint64 // of the founding
}

// join makes the member one of an ensemble.
func (id identity) join(w welcome) identity {
	id.cluster, id.member, id.joined = w.cluster, w.member, w.joined
	id.servers, id.voters, id.observers = w.servers, w.voters, w.learners
	return id
}

// welcome is for a server of the ensemble.
func (id identity) welcome(s server, joined uint64) welcome {
	return welcome{cluster: id.cluster, member: s.raft, joined: joined, servers: id.servers, voters: id.voters, learners: id.observers}
}

var errUnreleased = errors.New("written by a version that was never released: begin with an empty data directory")

func (id identity) encode() []byte {
	b := fmt.Appendf(nil, "member %016x\ncluster %016x\n", id.member, id.cluster)
	for _, v := range id.voters {
		b = fmt.Appendf(b, "voter %016x\n", v)
	}
	for _, o := range id.observers {
		b = fmt.Appendf(b, "observer %016x\n", o)
	}
	if id.directory != 0 {
		b = fmt.Appendf(b, "directory %016x of %d\n", id.directory, id.number)
	}
	if id.joined != 0 {
		b = fmt.Appendf(b, "joined %d\n", id.joined)
	}
	if id.void != "" {
		b = fmt.Appendf(b, "void %q\n", id.void)
	}
	for _, s := range id.servers {
		b = fmt.Appendf(b, "founder %d directory %016x member %016x standing %d at %q spec %q\n", s.number, s.directory, s.raft, s.standing, s.address, s.spec)
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
	var v uint64
	switch word {
	case "directory":
		_, err = fmt.Sscanf(line, "directory %x of %d", &id.directory, &id.number)
	case "joined":
		_, err = fmt.Sscanf(line, "joined %d", &id.joined)
	case "void":
		_, err = fmt.Sscanf(line, "void %q", &id.void)
	case "server": // of an ensemble, before there was a release with any
		err = errUnreleased
	case "founder":
		var s server
		_, err = fmt.Sscanf(line, "founder %d directory %x member %x standing %d at %q spec %q", &s.number, &s.directory, &s.raft, &s.standing, &s.address, &s.spec)
		id.servers = append(id.servers, s)
	case "observer":
		_, err = fmt.Sscanf(line, "observer %x", &v)
		id.observers = append(id.observers, v)
	default:
		_, err = fmt.Sscanf(line, "voter %x", &v)
		id.voters = append(id.voters, v)
	}
	return err
}

// founding is the membership that the ensemble began with.
func (id identity) founding() *membership {
	return &membership{
		index: bootstrapIndex, servers: id.servers,
		conf: &pb.ConfState{Voters: id.voters, Learners: id.observers},
	}
}

// founded reports whether the member belongs to an ensemble.
func (id identity) founded() bool { return len(id.voters) > 0 }
