package difftest

import (
	"slices"

	"github.com/mwqueue/mw/zkserver/wire"
)

// multi returns a transaction. About half of them fail somewhere.
func (g *generator) multi() Request {
	var m wire.MultiRequest
	most := 4
	if g.profile == Guarded { // see Differences
		most = 1
	}
	for range g.rng.IntN(most + 1) {
		m.Ops = append(m.Ops, g.part())
	}
	q := g.request(wire.OpMulti, &m)
	if g.chance(6) {
		g.oddMulti(&q, &m)
	}
	return q
}

// part returns one op of a multi.
func (g *generator) part() wire.MultiOp {
	switch k := g.rng.IntN(100); {
	case k < 40:
		op, r := pick(g, wire.OpCreate, wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer), g.createRecord()
		tameContainer(op, r)
		return wire.MultiOp{Op: op, Request: r}
	case k < 46:
		return wire.MultiOp{Op: wire.OpCreateTTL, Request: g.createTTLRecord()}
	case k < 62:
		return wire.MultiOp{Op: wire.OpDelete, Request: g.deleteRecord()}
	case k < 82:
		return wire.MultiOp{Op: wire.OpSetData, Request: g.setDataRecord()}
	}
	v := g.version()
	if g.chance(50) {
		v = -1
	}
	return wire.MultiOp{Op: wire.OpCheck, Request: &wire.CheckRequest{Path: g.path(), Version: v}}
}

// multiRead returns reads that go on after an error.
func (g *generator) multiRead() Request {
	var m wire.MultiRequest
	for range g.rng.IntN(4) {
		m.Ops = append(m.Ops, wire.MultiOp{
			Op:      pick(g, wire.OpGetData, wire.OpGetChildren),
			Request: &wire.PathWatchRequest{Path: g.path(), Watch: g.chance(30)},
		})
	}
	return g.request(wire.OpMultiRead, &m)
}

// oddMulti replaces q's body by one with parts that do not belong there.
func (g *generator) oddMulti(q *Request, m *wire.MultiRequest) {
	whole := m.Append(nil)
	open, end := slices.Clip(whole[:len(whole)-9]), whole[len(whole)-9:]
	switch g.rng.IntN(6) {
	case 0: // no end
		q.Body = open
	case 1: // a multi within
		h := wire.MultiHeader{Op: wire.OpMulti, Err: -1}
		q.Body = append(h.Append(open), whole...)
	case 2: // an op that fits no multi
		h := wire.MultiHeader{Op: pick(g, wire.OpExists, wire.OpSetACL, wire.OpSync, wire.OpPing, wire.Op(77), wire.OpCloseSession), Err: -1}
		r := wire.PathWatchRequest{Path: g.path()}
		q.Body = append(r.Append(h.Append(open)), end...)
	case 3: // a read among writes
		h := wire.MultiHeader{Op: wire.OpGetData, Err: -1}
		r := wire.PathWatchRequest{Path: g.path()}
		q.Body = append(r.Append(h.Append(open)), end...)
	case 4: // an end that says other things
		h := wire.MultiHeader{Op: wire.OpCreate, Done: true, Err: 5}
		q.Body = h.Append(open)
	case 5: // writes in a multiRead
		q.Op = wire.OpMultiRead
	}
}
