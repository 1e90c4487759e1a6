package difftest

import (
	"fmt"
	"slices"
	"time"

	"github.com/mwqueue/mw/zkserver/wire"
)

// keeperClient is the keeper's number in lines.
const keeperClient = -1

// A keeper is the client that prepares a run, looks at all that is left when it is
// over, and deletes it.
type keeper struct {
	r    *run
	conn *conn
	xid  int32
}

var openACL = []wire.ACL{{Perms: wire.PermAll, Scheme: "world", ID: "anyone"}}

// shared are the znodes that every run changes.
var shared = []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}

// openKeeper connects, makes the run's root and notes how the tree stands.
func openKeeper(r *run) (*keeper, error) {
	nc, err := r.server.dial(r.server.keeperPerson())
	if err != nil {
		return nil, err
	}
	k := &keeper{r: r, conn: nc}
	if a, _, ok := nc.handshake(&wire.ConnectRequest{TimeoutMillis: 60_000, Password: make([]byte, 16)}, nil); !ok || a.SessionID == 0 {
		return nil, fmt.Errorf("difftest: open keeper: no session")
	}
	for _, who := range users {
		if _, _, err := k.call(wire.OpAuth, &wire.AuthRequest{Scheme: "digest", Auth: []byte(who)}); err != nil {
			return nil, err
		}
	}
	h, _, err := k.call(wire.OpCreate, &wire.CreateRequest{Path: r.root, Data: []byte("root"), ACL: openACL})
	if err != nil {
		return nil, err
	}
	if h.Err != wire.OK {
		return nil, fmt.Errorf("difftest: make %s: %v", r.root, h.Err)
	}
	for _, p := range shared[:3] {
		if err := k.ask(wire.OpSetData, &wire.SetDataRequest{Path: p, Version: -1}, new(wire.StatResponse)); err != nil {
			return nil, err
		}
	}
	r.base, r.began = h.Zxid+3, time.Now()
	r.was, r.below = map[string]wire.Stat{}, map[string]int32{}
	for _, p := range shared {
		var stat wire.StatResponse
		var count wire.CountResponse
		if err := k.ask(wire.OpExists, &wire.PathWatchRequest{Path: p}, &stat); err != nil {
			return nil, err
		}
		if err := k.ask(wire.OpGetAllChildrenNumber, &wire.PathRequest{Path: p}, &count); err != nil {
			return nil, err
		}
		r.was[p], r.below[p] = stat.Stat, count.Count
	}
	return k, nil
}

// call sends one request and returns its answer.
func (k *keeper) call(op wire.Op, rec wire.Record) (wire.ReplyHeader, wire.Decoder, error) {
	k.xid++
	q := Request{Xid: k.xid, Op: op, Body: rec.Append(nil)}
	k.conn.write(q.frame(Root, 0))
	f, ok := k.conn.read()
	if !ok {
		return wire.ReplyHeader{}, wire.Decoder{}, fmt.Errorf("difftest: keeper's %v: connection %s", op, k.conn.ended)
	}
	d := wire.NewDecoder(f)
	var h wire.ReplyHeader
	h.Decode(&d)
	return h, d, d.Err()
}

// ask is call for a request that must be answered in full.
func (k *keeper) ask(op wire.Op, rec, into wire.Record) error {
	h, d, err := k.call(op, rec)
	if err != nil {
		return err
	}
	if h.Err != wire.OK {
		return fmt.Errorf("difftest: keeper's %v: %v", op, h.Err)
	}
	into.Decode(&d)
	return d.Err()
}

// finish records every znode that is left, deletes them and closes the session.
func (k *keeper) finish() error {
	for _, top := range []string{k.r.root, "/zookeeper/quota" + k.r.root, "/zookeeper" + k.r.root} {
		if err := k.sweep(top); err != nil {
			return err
		}
	}
	_, _, err := k.call(wire.OpCloseSession, &wire.Empty{})
	return err
}

// sweep records path and all below it, then deletes it.
func (k *keeper) sweep(path string) error {
	children, err := k.record(path)
	if err != nil {
		return err
	}
	for _, name := range children {
		if err := k.sweep(path + "/" + name); err != nil {
			return err
		}
	}
	_, _, err = k.call(wire.OpDelete, &wire.DeleteRequest{Path: path, Version: -1})
	return err
}

// record adds what path holds to the lines, and returns its children.
func (k *keeper) record(path string) ([]string, error) {
	var names []string
	for _, op := range []wire.Op{wire.OpGetData, wire.OpGetACL, wire.OpGetChildren2} {
		var rec wire.Record = &wire.PathWatchRequest{Path: path}
		if op == wire.OpGetACL {
			rec = &wire.PathRequest{Path: path}
		}
		h, d, err := k.call(op, rec)
		if err != nil {
			return nil, err
		}
		h.Xid, h.Zxid = 0, 0
		text := k.r.reply(&Request{Op: op, Body: rec.Append(nil)}, h, &d)
		k.r.add(keeperClient, op, h.Err, fmt.Sprintf("at the end %s has %v %s", k.r.path(path), op, text))
		if h.Err == wire.NoNode {
			return nil, nil
		}
		if op == wire.OpGetChildren2 && h.Err == wire.OK {
			names = k.childrenOf(path)
		}
	}
	return names, nil
}

func (k *keeper) childrenOf(path string) []string {
	var r wire.ChildrenResponse
	k.ask(wire.OpGetChildren, &wire.PathWatchRequest{Path: path}, &r)
	slices.Sort(r.Children)
	return r.Children
}
