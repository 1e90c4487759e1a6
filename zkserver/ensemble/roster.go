package ensemble

import (
	"encoding/binary"
	"slices"
	"sync"
)

// A roster says which data directory has which number. It is part of the
// replicated state: founders are in it from the start, and who comes later
// claims a number by an entry of the log, before it votes for the first time.
// So a number is one directory's for ever, and one that was wiped and comes
// back is not taken for what it was.
type roster struct {
	mu      sync.Mutex // protects servers
	servers []server   // by number
}

// claim gives a number to a directory if it is nobody's yet.
func (r *roster) claim(number int, directory uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.servers {
		if s := &r.servers[i]; s.number == number && s.directory == 0 {
			s.directory = directory
		}
	}
}

// owner gives the directory of a number, or false if there is no such member.
func (r *roster) owner(number int) (directory uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.servers {
		if s.number == number {
			return s.directory, true
		}
	}
	return 0, false
}

func (r *roster) set(servers []server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = slices.Clone(servers)
}

func (r *roster) list() []server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.servers)
}

// A claim in a log entry: u8 format = 2 | u8 flags = 0 | u64 term of the
// proposer | u64 directory | uvarint number.
const (
	claimFormat = 2
	claimHeader = 1 + 1 + 8 + 8
)

func encodeClaim(term uint64, s server) []byte {
	b := binary.BigEndian.AppendUint64([]byte{claimFormat, 0}, term)
	b = binary.BigEndian.AppendUint64(b, s.directory)
	return binary.AppendUvarint(b, uint64(s.number))
}

func decodeClaim(b []byte) (s server, term uint64, err error) {
	if len(b) < claimHeader || b[1] != 0 {
		return server{}, 0, errBatch
	}
	number, rest, ok := uvarint(b[claimHeader:])
	if !ok || len(rest) > 0 || number > maxNumber {
		return server{}, 0, errBatch
	}
	return server{number: int(number), directory: binary.BigEndian.Uint64(b[10:])}, binary.BigEndian.Uint64(b[2:]), nil
}

// appendServers and cutServers have a list of servers in meta data and frames:
// uvarint n, then n times: uvarint number | u64 directory.
func appendServers(b []byte, servers []server) []byte {
	b = binary.AppendUvarint(b, uint64(len(servers)))
	for _, s := range servers {
		b = binary.AppendUvarint(b, uint64(s.number))
		b = binary.BigEndian.AppendUint64(b, s.directory)
	}
	return b
}

func cutServers(b []byte) (servers []server, rest []byte, ok bool) {
	n, b, ok := uvarint(b)
	if !ok || n > maxNumber+1 {
		return nil, nil, false
	}
	for range n {
		number, after, ok := uvarint(b)
		if !ok || number > maxNumber || len(after) < 8 {
			return nil, nil, false
		}
		servers = append(servers, server{number: int(number), directory: binary.BigEndian.Uint64(after)})
		b = after[8:]
	}
	return servers, b, true
}
