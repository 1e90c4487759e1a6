package zkserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mwqueue/mw/zkserver/session"
	"github.com/mwqueue/mw/zkserver/tree"
)

// A commandKind is the first byte of a command.
type commandKind uint8

const (
	doOldRequest commandKind = 1 // doRequest under oldRules, by an earlier version
	doCreate     commandKind = 2 // a new session
	doOldAttach  commandKind = 3 // doAttach of any count, by an earlier version
	doOldExpire  commandKind = 4 // doExpire of no term, by an earlier version
	doKey        commandKind = 5 // the secret that session passwords are made from
	doRequest    commandKind = 6 // a client's write
	doSweep      commandKind = 7 // a container or TTL znode is to go
	doExpire     commandKind = 8 // a session's time is over, says the leader of a term
	doAttach     commandKind = 9 // a session comes back on another connection
)

// version is the latest that this program speaks of commands, their rules, and
// snapshots: see [ensemble.Config]. Members of this version and of the one before
// live together while programs are replaced. So what is new with a version is
// proposed with it ([ensemble.Proposal].Version), and snapshots are written as the
// version of the last batch has them. What is here already has the outcome that it
// had, for a log holds commands of all versions: a request that is to be judged in
// another way needs a rule, or is judged before it is proposed, see prepare.go.
//
//	1   kinds up to doAttach, [tree.AllRules] and reconfigRule, snapshotVersion 2
const version = 1

// oldRules are what versions did that wrote requests without rules.
const oldRules = tree.NoContainers | tree.NoTTL | tree.NoX509 | tree.AnyQuotaData

// A command is one entry of the log as the replica understands it; doc.go has
// the bytes.
type command struct {
	kind    commandKind
	session session.ID
	attach  uint32        // doRequest, doExpire, doAttach: only if the session is still at it
	always  bool          // doAttach: whatever it is at
	term    uint64        // doExpire: only in this one; 0 for any
	timeout time.Duration // doCreate, doAttach; of a doExpire it is not in the log
	authSet []byte        // doRequest: the identities, encoded
	request []byte        // doRequest: the frame as received: xid, op, body
	rules   tree.Rules    // doRequest
	secret  []byte        // doKey
	sweep   tree.Expire   // doSweep
}

func (c *command) append(b []byte) []byte {
	b = append(b, byte(c.kind))
	switch c.kind {
	case doKey:
		return append(b, c.secret...)
	case doSweep:
		b = binary.BigEndian.AppendUint64(b, uint64(c.sweep.Unused))
		return append(b, c.sweep.Path...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(c.session))
	switch c.kind {
	case doRequest:
		b = binary.BigEndian.AppendUint32(b, c.attach)
		b = append(b, byte(c.rules))
		b = appendField(b, c.authSet)
		b = append(b, c.request...)
	case doCreate:
		b = binary.BigEndian.AppendUint32(b, uint32(c.timeout.Milliseconds()))
	case doAttach:
		b = binary.BigEndian.AppendUint32(b, uint32(c.timeout.Milliseconds()))
		b = binary.BigEndian.AppendUint32(b, c.attach)
	case doExpire:
		b = binary.BigEndian.AppendUint32(b, c.attach)
		b = binary.BigEndian.AppendUint64(b, c.term)
	}
	return b
}

var errUndecodable = errors.New("zkserver: the leader does not know such a command: it may be of an earlier version")

var errCommand = errors.New("zkserver: command in the log does not decode")

// parseCommand returns the command in b, whose storage it shares.
func parseCommand(b []byte) (command, error) {
	if len(b) == 0 {
		return command{}, errCommand
	}
	c := command{kind: commandKind(b[0])}
	if c.kind > doAttach {
		return command{}, fmt.Errorf("zkserver: command of kind %d: the log was written by a later version", c.kind)
	}
	b = b[1:]
	switch {
	case c.kind == doKey:
		c.secret = b
		return c, nil
	case c.kind == doSweep && len(b) >= 8:
		c.sweep = tree.Expire{Unused: int64(binary.BigEndian.Uint64(b)), Path: string(b[8:])}
		return c, nil
	case len(b) < 8+4, c.kind < doOldRequest:
		return command{}, errCommand
	}
	c.session = session.ID(binary.BigEndian.Uint64(b))
	word := binary.BigEndian.Uint32(b[8:])
	b = b[8+4:]
	switch c.kind {
	case doCreate, doOldAttach, doAttach:
		c.timeout = time.Duration(word) * time.Millisecond
	default:
		c.attach = word
	}
	switch {
	case c.kind == doOldRequest:
		c.kind, c.rules = doRequest, oldRules
	case c.kind == doRequest && len(b) > 0:
		c.rules, b = tree.Rules(b[0]), b[1:]
	case c.kind == doOldExpire:
		c.kind = doExpire
	case c.kind == doExpire && len(b) >= 8:
		c.term = binary.BigEndian.Uint64(b)
	case c.kind == doOldAttach:
		c.kind, c.always = doAttach, true
	case c.kind == doAttach && len(b) >= 4:
		c.attach = binary.BigEndian.Uint32(b)
	case c.kind == doExpire, c.kind == doAttach:
		return command{}, errCommand
	}
	if c.kind == doRequest {
		var ok bool
		if c.authSet, c.request, ok = cutField(b); !ok {
			return command{}, errCommand
		}
	}
	return c, nil
}

// decodable says why a command cannot be applied here. A leader takes no such
// one: it may be invented.
func decodable(b []byte) error {
	c, err := parseCommand(b)
	if err != nil || c.kind != doRequest {
		return err
	}
	if c.rules&^(tree.AllRules|reconfigRule) != 0 {
		return fmt.Errorf("zkserver: command with rules %#x: written by a later version", c.rules)
	}
	_, err = parseIdentities(c.authSet)
	return err
}

// appendField appends v behind its length.
func appendField(b, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// cutField returns the field at the front of b and what follows it.
func cutField(b []byte) (field, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	b = b[n:]
	return b[:size:size], b[size:], true
}

// appendIdentities appends ids in pairs of fields: scheme, id.
func appendIdentities(b []byte, ids []tree.ID) []byte {
	for _, id := range ids {
		b = appendField(b, []byte(id.Scheme))
		b = appendField(b, []byte(id.ID))
	}
	return b
}

func parseIdentities(b []byte) ([]tree.ID, error) {
	var ids []tree.ID
	for len(b) > 0 {
		scheme, rest, ok := cutField(b)
		if !ok {
			return nil, errCommand
		}
		id, rest, ok := cutField(rest)
		if !ok {
			return nil, errCommand
		}
		ids = append(ids, tree.ID{Scheme: string(scheme), ID: string(id)})
		b = rest
	}
	return ids, nil
}
