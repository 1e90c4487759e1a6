package ensemble

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/wal"
)

// Config says how to run a Node. The zero value of a field means its default.
type Config struct {
	// Dir is the data directory. It is made if it is not there.
	Dir string

	// Machine is the state that the log describes. It must be empty.
	Machine Machine

	// Members are those that the ensemble is founded with, this one included.
	// None means that there are no others. All that found it must have the
	// same. Once it is founded its own log says who they are, and this only
	// where they can be reached, unless a change has moved them.
	Members []Member

	// Number is that of this member.
	Number int

	// Join says that the ensemble is there already: with an empty directory the
	// member waits to be let in, and never founds one.
	Join bool

	// Transport reaches the other members. The node runs it.
	Transport Transport

	// Hear is given what other members told the leader of term, while this one
	// is that leader: see [Node.Tell]. It is called on the raft loop and must
	// not block, and b is its own. If it returns false b was not taken: who told
	// it gets no answer. Default: nobody hears.
	Hear func(from int, term uint64, b []byte) bool

	// Check says what is wrong with the data of a command. The leader asks it of
	// those that others forward: what it cannot decode, be it invented or of a
	// later version, has empty data in the batch, so that the order of its member's
	// commands stays. It is called on the raft loop. Default: all are good.
	Check func(data []byte) error

	// GuestAt says whether one who does not belong to the ensemble may be answered
	// at the address that it names. Default: anywhere.
	GuestAt func(address string) bool

	// Version is the latest version of commands and snapshots that the machine
	// speaks. It must speak all before, too. What all members speak is [Node.Version],
	// and Version of a Batch. With a directory of members who write a later one
	// Open or Run ends with ErrOutdated. Default: 1.
	Version uint8

	// Log gets a line per change of term, recovery and trouble.
	Log zerolog.Logger

	// SegmentBytes is the size of a segment of the log. Two are allocated
	// ahead. Default: 16 MiB.
	SegmentBytes int64

	// MaxCommandBytes is the largest command that Propose must take, at most
	// 65 MiB. Above 4 MiB groups of the log and its segments become as large as it
	// needs. It may be raised member by member up to what a segment takes: a member
	// writes what another one has taken. Above that it must be the same for all.
	// Default: what 4 MiB take.
	MaxCommandBytes int64

	// SnapshotBytes is how much log is written between snapshots, at most, or
	// half as much as the last snapshot had if that is more: a start applies no
	// more than that again. Default: 64 MiB.
	SnapshotBytes int64

	// SnapshotEntries is how many batches there are between snapshots, at
	// most. Default: 500,000.
	SnapshotEntries int64

	// BacklogBytes is how much may wait to be proposed before Propose blocks.
	// Default: 16 MiB.
	BacklogBytes int

	// FS is the file system. Default: that of the machine.
	FS wal.FS
}

// A Member is one of the servers that are alike.
type Member struct {
	Number  int    // from 0 to 255, as in "server.N" and "myid"
	Address string // host:port, for the Transport

	// Observer says that it gets the log and has no vote.
	Observer bool

	// Spec is what else there is to be known of it. It is kept, and not looked
	// at, here.
	Spec string
}

func (c Config) withDefaults() (Config, error) {
	if c.Machine == nil {
		return c, errors.New("ensemble: no machine")
	}
	if c.Dir == "" {
		return c, errors.New("ensemble: no data directory")
	}
	if err := c.checkMembers(); err != nil {
		return c, err
	}
	c.FS = cmp.Or(c.FS, wal.OS)
	c.SnapshotBytes = cmp.Or(c.SnapshotBytes, 64<<20)
	c.SnapshotEntries = cmp.Or(c.SnapshotEntries, 500_000)
	c.BacklogBytes = cmp.Or(c.BacklogBytes, 16<<20)
	c.Version = cmp.Or(c.Version, firstVersion)
	return c, nil
}

// logOptions says how the log is to be. What a torn tail may have destroyed is
// one group, so that groups are no larger than they must be: with others, as large
// as any that they may be told to take.
func (c Config) logOptions() wal.Options {
	o := wal.Options{
		Dir: c.Dir, FS: c.FS, SegmentBytes: c.SegmentBytes, MaxGroupBytes: c.groupBytes(),
		Identity: func() []byte { return c.newIdentity().encode() },
	}
	if o.MaxGroupBytes > defaultGroup {
		o.SegmentBytes = max(cmp.Or(c.SegmentBytes, defaultSegment), o.MaxGroupBytes+commandRoom)
	}
	if c.Transport != nil {
		o.MaxGroupBytes = cmp.Or(o.SegmentBytes, defaultSegment) // the log takes off what it needs itself
	}
	return o
}

// groupBytes is what a group may have that this member proposes.
func (c Config) groupBytes() int64 { return max(defaultGroup, c.MaxCommandBytes+commandRoom) }

// proposable is how large the data of a command may be that this member proposes.
func (c Config) proposable(log *wal.Log) int {
	return int(min(log.MaxEntryBytes(), c.groupBytes()-commandRoom/2)) - batchOverhead - commandOverhead
}

const (
	defaultGroup   = 4 << 20
	defaultSegment = 16 << 20

	// commandRoom is more than a command, its batch and its group take besides its
	// data, and than a segment takes besides a group.
	commandRoom = 16 << 10
)

func (c Config) checkMembers() error {
	if len(c.Members) == 0 {
		return nil
	}
	if c.Transport == nil {
		return errors.New("ensemble: members without a transport")
	}
	numbers := c.numbers()
	for i, number := range numbers {
		if number < 0 || number > maxNumber {
			return fmt.Errorf("ensemble: member %d: a number is from 0 to %d", number, maxNumber)
		}
		if i > 0 && numbers[i-1] == number {
			return fmt.Errorf("ensemble: member %d is there twice", number)
		}
	}
	if !c.has(c.Number) {
		return fmt.Errorf("ensemble: this is member %d, which is not one of the members %v", c.Number, numbers)
	}
	return nil
}

// has reports whether there is a member with that number.
func (c Config) has(number int) bool {
	return slices.ContainsFunc(c.Members, func(m Member) bool { return m.Number == number })
}

// numbers gives the numbers of the members, sorted.
func (c Config) numbers() []int {
	var numbers []int
	for _, m := range c.Members {
		numbers = append(numbers, m.Number)
	}
	slices.Sort(numbers)
	return numbers
}

// newIdentity is for a new data directory.
func (c Config) newIdentity() identity {
	if len(c.Members) == 0 {
		return newIdentity()
	}
	return newMember(c.Number)
}

// suits checks that a data directory is that of the member to be run.
func (c Config) suits(id identity) error {
	switch alone := id.directory == 0; {
	case !alone && len(c.Members) == 0:
		return fmt.Errorf("ensemble: data directory %s is that of member %d of an ensemble, but no other members are configured", c.Dir, id.number)
	case !alone && id.number != c.Number:
		return fmt.Errorf("ensemble: data directory %s is that of member %d, not of member %d", c.Dir, id.number, c.Number)
	}
	return nil
}

// address is where this member can be reached.
func (c Config) address() string {
	for _, m := range c.Members {
		if m.Number == c.Number {
			return m.Address
		}
	}
	return ""
}

// These errors end a Node.
var (
	// ErrDisk says that a write or sync failed. The process must end: what the
	// disk holds is known again only after recovery.
	ErrDisk = errors.New("ensemble: disk failed")

	// ErrHangs says that a part of the node did not come to its end, and was left
	// behind: the process must end, as after ErrDisk.
	ErrHangs = errors.New("ensemble: a thread has not ended")

	// ErrOutdated says that members write a version that this program does not
	// speak: all of them spoke it when it began.
	ErrOutdated = errors.New("ensemble: this program is too old")

	// ErrStopped says that Run has returned or Close was called.
	ErrStopped = errors.New("ensemble: stopped")
)

// These errors answer one proposal. It was not made, now or later.
var (
	// ErrDiskFull says that there is no room for the log to grow: here, or on the
	// leader, or on so many others that there is no majority. It goes away when
	// there is room again, or another leader.
	ErrDiskFull = errors.New("ensemble: disk full")

	// ErrForgotten says that the machine was given the snapshot of another
	// member since, so that it is not known what has become of earlier
	// commands.
	ErrForgotten = errors.New("ensemble: commands of before were forgotten")

	// ErrVersion says that not all members speak the version of a command yet.
	ErrVersion = errors.New("ensemble: not all members speak this version")

	// ErrTooLarge says that a command is larger than the log takes.
	ErrTooLarge = errors.New("ensemble: command too large")
)
