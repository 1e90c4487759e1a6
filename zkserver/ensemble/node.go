// Package ensemble replicates batches of commands with etcd's raft library.
package ensemble

import (
	"context"
	"errors"
	"io"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/wal"
)

// Machine is the state machine that committed batches are applied to. Its
// methods are called from one goroutine.
type Machine interface {
	// Apply applies one committed batch. It is also called, with no commands,
	// at the first entry of a term. Data of the commands may be kept.
	Apply(b Batch)

	// Capture begins a snapshot of the state as it is now. It must be cheap:
	// Apply waits for it. WriteTo is called on another goroutine while Apply
	// goes on.
	Capture() io.WriterTo

	// Restore replaces the state by a snapshot.
	Restore(r io.Reader) error
}

// Batch is one committed entry of the log.
type Batch struct {
	Index, Term uint64
	Time        int64 // ms since 1970, the leader's clock; never falls
	Commands    []Command
}

// Command is one proposal.
type Command struct {
	Origin uint64 // random per process start of the member that proposed it
	Seq    uint64 // as given to Propose
	Data   []byte
}

// Config says how to run a Node. The zero value of a field means its default.
type Config struct {
	Dir     string
	Machine Machine
	Log     zerolog.Logger

	SegmentBytes    int64
	SnapshotBytes   int64
	SnapshotEntries int64
	FS              wal.FS
}

// These errors end a Node.
var (
	ErrDisk    = errors.New("ensemble: disk")
	ErrStopped = errors.New("ensemble: stopped")
)

// Node is one member of the ensemble.
type Node struct{}

// Open takes the data directory and recovers snapshot and log.
func Open(cfg Config) (*Node, error) { panic("todo") }

// Run drives the node until ctx ends or the disk fails.
func (n *Node) Run(ctx context.Context) error { panic("todo") }

// Ready is closed once the first entry of our own term is applied.
func (n *Node) Ready() <-chan struct{} { panic("todo") }

// Origin is the number that marks this process's commands.
func (n *Node) Origin() uint64 { panic("todo") }

// Propose queues one command.
func (n *Node) Propose(ctx context.Context, seq uint64, data []byte) error { panic("todo") }

// ReadIndex returns when everything committed before the call is applied here.
func (n *Node) ReadIndex(ctx context.Context) error { panic("todo") }

// Close releases the data directory.
func (n *Node) Close() error { panic("todo") }
