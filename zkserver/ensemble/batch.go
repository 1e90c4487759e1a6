package ensemble

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A batch in a log entry, integers big-endian:
//
//	u8 format = 1 | u8 flags = 0 | u64 proposerTerm | i64 leaderTime, ms
//	uvarint n, then n times:
//	  u64 origin | uvarint seq | uvarint length | data
const (
	batchFormat = 1
	batchHeader = 1 + 1 + 8 + 8

	// maxBatchBytes and maxBatchCommands limit what goes into one entry, if
	// the log takes that much. A command larger than that has an entry to
	// itself.
	maxBatchBytes    = 512 << 10
	maxBatchCommands = 4096

	// commandOverhead is the most a command takes besides its data.
	commandOverhead = 8 + 2*binary.MaxVarintLen64

	// batchOverhead is the most a batch takes besides its commands.
	batchOverhead = batchHeader + binary.MaxVarintLen64
)

// Batch is one committed entry of the log, alike on every member.
type Batch struct {
	Index, Term uint64
	Time        int64 // ms since 1970 by the leader's clock; never falls
	Commands    []Command

	// Version is the latest that all members speak here: what Capture writes is
	// to be no later, or a member that is given it could not read it.
	Version uint8

	// Members are those of the ensemble from here on. They are given at the
	// first entry of each term, and where they change: nil elsewhere, and for
	// a server that runs alone.
	Members []Member

	// Change is how a wish for other members has ended: see Reconfigure. It is
	// nil where none has.
	Change *Change

	applier *applier // of whom the machine may wish; nil outside of Apply
}

// Command is one proposal. Data shares its memory with the whole batch and is
// never written to again: clone what should be kept for long.
type Command struct {
	Origin uint64 // of the member that proposed it: see Node.Origin
	Seq    uint64 // as given to Propose
	Data   []byte // empty if the leader refused it: see Config.Check
}

// bytes is the room a command takes in a batch, or a little less.
func (c Command) bytes() int { return commandOverhead + len(c.Data) }

// cutBatch gives how many of the commands, from the first on, go into the next
// batch: as many as the limits allow, and at least one if there is one.
func cutBatch(commands []Command, limit int) int {
	n, size := 0, 0
	for n < min(len(commands), maxBatchCommands) {
		size += commands[n].bytes()
		if n > 0 && size > limit {
			break
		}
		n++
	}
	return n
}

// encodeBatch makes the data of a log entry.
func encodeBatch(term uint64, time int64, commands []Command) []byte {
	size := batchOverhead
	for _, c := range commands {
		size += c.bytes()
	}
	b := append(make([]byte, 0, size), batchFormat, 0)
	b = binary.BigEndian.AppendUint64(b, term)
	b = binary.BigEndian.AppendUint64(b, uint64(time))
	b = binary.AppendUvarint(b, uint64(len(commands)))
	for _, c := range commands {
		b = binary.BigEndian.AppendUint64(b, c.Origin)
		b = binary.AppendUvarint(b, c.Seq)
		b = binary.AppendUvarint(b, uint64(len(c.Data)))
		b = append(b, c.Data...)
	}
	return b
}

var errBatch = errors.New("malformed batch")

// decodeBatch reads the data of a log entry. Index and Term are left to the
// caller. term is the one in which the batch was proposed.
func decodeBatch(b []byte) (batch Batch, term uint64, err error) {
	if len(b) < batchHeader {
		return Batch{}, 0, errBatch
	}
	if b[0] != batchFormat || b[1] != 0 {
		return Batch{}, 0, fmt.Errorf("batch of format %d, flags %d: written by a later version", b[0], b[1])
	}
	term = binary.BigEndian.Uint64(b[2:])
	batch.Time = int64(binary.BigEndian.Uint64(b[10:]))
	n, b, ok := uvarint(b[batchHeader:])
	if !ok || n > uint64(len(b)/10) { // a command takes 10 bytes or more
		return Batch{}, 0, errBatch
	}
	batch.Commands = make([]Command, n)
	for i := range batch.Commands {
		c := &batch.Commands[i]
		if c.Origin, c.Seq, c.Data, b, ok = command(b); !ok {
			return Batch{}, 0, errBatch
		}
	}
	if len(b) > 0 {
		return Batch{}, 0, errBatch
	}
	return batch, term, nil
}

func command(b []byte) (origin, seq uint64, data, rest []byte, ok bool) {
	if len(b) < 8 {
		return 0, 0, nil, nil, false
	}
	origin = binary.BigEndian.Uint64(b)
	if seq, b, ok = uvarint(b[8:]); !ok {
		return 0, 0, nil, nil, false
	}
	size, b, ok := uvarint(b)
	if !ok || size > uint64(len(b)) {
		return 0, 0, nil, nil, false
	}
	return origin, seq, b[:size:size], b[size:], true
}

func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
