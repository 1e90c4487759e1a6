package zkserver

import (
	"bytes"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A command in a log has one outcome, whatever version applies it. So where requests
// are judged as the first version did not, it is done before they are proposed, by the
// member that took them in: it makes of a request one that all versions decide as it
// does, each at its place in the order. The functions are given the body, may write to it,
// and return what is to stand for it, or nil if that is it.

// requestHeader is the size of a [wire.RequestHeader].
const requestHeader = 4 + 4

// prepared returns the frame of a request as it is to be proposed.
func prepared(o *op, rules tree.Rules, frame []byte) []byte {
	var h wire.RequestHeader
	d := wire.NewDecoder(frame)
	h.Decode(&d)
	body := o.prepare(h.Op, rules, frame[requestHeader:])
	if body == nil {
		return frame
	}
	return append(h.Append(make([]byte, 0, requestHeader+len(body))), body...)
}

// prepareNames spoils what is no name in ACLs of scheme x509, so that it is no name to
// the first version, too, which takes more for one. What has a comma
// between quotes is a name, and no name to the first version: that stays so.
func prepareNames(o wire.Op, rules tree.Rules, body []byte) []byte {
	if rules&tree.NoX509 != 0 || !bytes.Contains(body, []byte("x509")) {
		return nil
	}
	d := wire.NewDecoder(body)
	switch o {
	case wire.OpSetACL:
		d.Bytes() // the path
		spoilNames(&d)
	case wire.OpMulti:
		for d.Err() == nil {
			var h wire.MultiHeader
			if h.Decode(&d); h.Done || !spoilPart(h.Op, &d) {
				break
			}
		}
	default:
		spoilPart(o, &d)
	}
	return nil
}

// spoilPart reads what may be a part of a multi. It is false for anything else.
func spoilPart(o wire.Op, d *wire.Decoder) bool {
	switch o {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		d.Bytes() // the path
		d.Bytes() // the data
		spoilNames(d)
		d.Int32() // the flags
		if o == wire.OpCreateTTL {
			d.Int64()
		}
		return true
	case wire.OpDelete, wire.OpSetData, wire.OpCheck:
		wire.NewRequest(o).Decode(d)
		return true
	}
	return false
}

// spoilNames reads a list of ACLs.
func spoilNames(d *wire.Decoder) {
	for n := d.Int32(); n > 0 && d.Err() == nil; n-- {
		d.Int32() // the permissions
		scheme, id := d.Bytes(), d.Bytes()
		if string(scheme) == "x509" && !validName(string(id)) {
			for i := range id {
				id[i] = '?' // it has no "=" any more
			}
		}
	}
}

// prepareReconfig leaves, of the lines of one number in a whole list, the last.
// The first version refuses a list in which one is twice.
func prepareReconfig(_ wire.Op, _ tree.Rules, body []byte) []byte {
	var q wire.ReconfigRequest
	d := wire.NewDecoder(body)
	if q.Decode(&d); d.Err() != nil || q.NewMembers == nil {
		return nil
	}
	last := make(map[int]string)
	var numbers []int
	twice := false
	for line := range memberLines(q.NewMembers) {
		m, _, err := parseMember(line)
		if err != nil {
			return nil // it is refused as it is
		}
		if _, ok := last[m.Number]; ok {
			twice = true
		} else {
			numbers = append(numbers, m.Number)
		}
		last[m.Number] = line
	}
	if !twice {
		return nil
	}
	q.NewMembers = nil
	for _, n := range numbers {
		q.NewMembers = append(append(q.NewMembers, last[n]...), '\n')
	}
	return q.Append(nil)
}
