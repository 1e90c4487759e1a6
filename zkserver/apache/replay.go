package apache

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// txnHeader begins each transaction of the log.
type txnHeader struct {
	session    int64
	cxid       int32
	zxid, time int64
	op         wire.Op
}

// opError is the type of a transaction that failed: it took a zxid and did
// nothing.
const opError wire.Op = -1

// decodeHeader reads the header of a transaction and leaves d behind it.
func decodeHeader(d *wire.Decoder) (txnHeader, error) {
	h := txnHeader{session: d.Int64(), cxid: d.Int32(), zxid: d.Int64(), time: d.Int64(), op: wire.Op(d.Int32())}
	return h, d.Err()
}

// A replayer brings a state up to the end of the log. What the snapshot has
// already done in part is done again: the outcome is the same.
type replayer struct {
	*State
	owned   map[int64]map[string]bool // ephemeral paths by session
	unknown wire.Op                   // a type of transaction met that is not known, or 0
	err     error                     // of a part of a multi
}

func newReplayer(s *State) *replayer {
	r := &replayer{State: s, owned: map[int64]map[string]bool{}}
	for _, z := range s.Znodes {
		r.own(z)
	}
	return r
}

func (s *replayer) own(z *Znode) {
	if z.Lifetime != Ephemeral {
		return
	}
	if s.owned[z.Session] == nil {
		s.owned[z.Session] = map[string]bool{}
	}
	s.owned[z.Session][z.Path] = true
}

// replay carries out the transaction that d is in.
func (s *replayer) replay(h txnHeader, d *wire.Decoder) error {
	s.apply(h, d)
	if err := cmp.Or(d.Err(), s.err); err != nil {
		return fmt.Errorf("%w: transaction %#x: %w", ErrDamaged, h.zxid, err)
	}
	if s.unknown != 0 {
		return fmt.Errorf("transaction %#x: type %d is not known here: the files are of a later ZooKeeper", h.zxid, s.unknown)
	}
	s.Zxid = h.zxid
	return nil
}

func (s *replayer) apply(h txnHeader, d *wire.Decoder) {
	switch h.op {
	case wire.OpCreate, wire.OpCreate2:
		z := created(h, d)
		owned := d.Bool()
		creates := int32(-1)
		if d.Len() >= 4 { // not in the logs of 3.3
			creates = d.Int32()
		}
		if owned {
			z.setOwner(h.session)
		}
		s.create(z, creates, d)
	case wire.OpCreateContainer:
		z := created(h, d)
		z.Lifetime = Container
		s.create(z, d.Int32(), d)
	case wire.OpCreateTTL:
		z := created(h, d)
		creates := d.Int32()
		z.Lifetime, z.TTL = TTL, d.Int64()
		s.create(z, creates, d)
	case wire.OpDelete, wire.OpDeleteContainer:
		s.remove(d.String(), h.zxid)
	case wire.OpSetData, wire.OpReconfig:
		path, data, version := d.String(), bytes.Clone(d.Bytes()), d.Int32()
		if z := s.Znodes[path]; z != nil && d.Err() == nil {
			z.Data, z.Version, z.Mtime, z.Mzxid = data, version, h.time, h.zxid
		}
	case wire.OpSetACL:
		path, acl, version := d.String(), decodeACL(d), d.Int32()
		if z := s.Znodes[path]; z != nil && d.Err() == nil {
			z.ACL, z.Aversion, z.noACL = acl, version, false
		}
	case wire.OpMulti:
		s.applyMulti(h, d)
	case wire.OpCreateSession:
		s.Sessions[h.session] = d.Int32()
	case wire.OpCloseSession:
		s.closeSession(h)
	case wire.OpCheck, opError:
	default:
		s.unknown = h.op
	}
}

func created(h txnHeader, d *wire.Decoder) *Znode {
	return &Znode{
		Path: d.String(), Data: bytes.Clone(d.Bytes()), ACL: decodeACL(d),
		Czxid: h.zxid, Mzxid: h.zxid, Pzxid: h.zxid, Ctime: h.time, Mtime: h.time,
	}
}

// create adds a znode, unless the snapshot has it already, and moves the
// parent's counts on, unless the snapshot has them further already.
func (s *replayer) create(z *Znode, creates int32, d *wire.Decoder) {
	parent := s.Znodes[parentOf(z.Path)]
	if d.Err() != nil || parent == nil || z.Path == "/" { // deleted later, before the snapshot came to it
		return
	}
	if creates == -1 {
		creates = parent.Creates + 1
	}
	if creates > parent.Creates {
		parent.Creates, parent.Pzxid = creates, z.Czxid
	}
	switch there := s.Znodes[z.Path]; {
	case there == nil:
		s.Znodes[z.Path] = z
		s.own(z)
	case there.noACL:
		there.ACL, there.noACL = z.ACL, false
	}
}

func (s *replayer) remove(path string, zxid int64) {
	z := s.Znodes[path]
	if z == nil || path == "/" {
		return
	}
	delete(s.Znodes, path)
	delete(s.owned[z.Session], path)
	if parent := s.Znodes[parentOf(path)]; parent != nil {
		parent.Pzxid = max(parent.Pzxid, zxid)
	}
}

// applyMulti does all parts, or none if one of them failed: then it is there
// in place of its transaction, or all of them are.
func (s *replayer) applyMulti(h txnHeader, d *wire.Decoder) {
	type part struct {
		op   wire.Op
		data []byte
	}
	var parts []part
	failed := false
	for range d.Int32() {
		p := part{wire.Op(d.Int32()), d.Bytes()}
		if d.Err() != nil {
			return
		}
		failed = failed || p.op == opError
		parts = append(parts, p)
	}
	for _, p := range parts {
		if failed {
			return
		}
		h.op = p.op
		if p.op == wire.OpMulti {
			s.unknown = p.op
			return
		}
		inner := wire.NewDecoder(p.data)
		s.apply(h, &inner)
		if inner.Err() != nil {
			s.err = inner.Err()
		}
	}
}

// closeSession deletes what the session owns. The log may list it; so does the
// tree.
func (s *replayer) closeSession(h txnHeader) {
	for path := range s.owned[h.session] {
		s.remove(path, h.zxid)
	}
	delete(s.owned, h.session)
	delete(s.Sessions, h.session)
}

// decodeACL reads a list; null is the open one.
func decodeACL(d *wire.Decoder) []wire.ACL {
	n := d.Int32()
	if n < 0 {
		return openACL()
	}
	var acl []wire.ACL
	for range n {
		var a wire.ACL
		a.Decode(d)
		if d.Err() != nil {
			return nil
		}
		acl = append(acl, a)
	}
	return acl
}

func parentOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}
