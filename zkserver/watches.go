package zkserver

import (
	"slices"

	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/watch"
	"github.com/mwqueue/mw/zkserver/wire"
)

// watch adds a watch for the connection that reads. It reports false, and adds
// nothing, when the connection has too many.
func (v *view) watch(k watch.Kind, path string) bool {
	v.watchMu.Lock()
	defer v.watchMu.Unlock()
	id := watch.Conn(v.conn.number)
	longest := max(v.conn.longest, len(path))
	n := v.watches.Count(id)
	full := n >= v.maxWatches || n*longest > maxWatchBytes ||
		v.watches.Len() >= v.allWatches || v.watches.Bytes()+len(path) > v.watchBytes
	if full && !v.watches.Has(k, path, id) {
		return false
	}
	v.conn.longest = longest
	v.watches.Add(k, path, id)
	return true
}

// setWatches takes over the watches a client had on an earlier connection: what
// changed since fires at once, the rest is watched. A client is told nothing of
// a znode it may not read (CVE-2026-59739). If one watch is too many the
// connection ends: clients do not look at the reply, and would take it for set.
func setWatches(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.SetWatches2Request
	q.SetWatchesRequest.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	q.Persistent, q.PersistentRecursive = []string{}, []string{}
	return v.setWatches(&q, b)
}

// setWatches2 is setWatches with the watches that addWatch made.
func setWatches2(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.SetWatches2Request
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	return v.setWatches(&q, b)
}

// setWatches takes one list after the other, as Apache ZooKeeper does, and goes no
// further than a null one.
func (v *view) setWatches(q *wire.SetWatches2Request, b []byte) ([]byte, wire.Code) {
	start := len(b)
	ok := true
	resume := func(k watch.Kind, path string, missed wire.EventType) {
		if missed == 0 {
			ok = v.watch(k, path) && ok
			return
		}
		b = appendEvent(b, missed, path)
		v.conn.sent++
	}
	lists := [][]string{q.Data, q.Exist, q.Child, q.Persistent, q.PersistentRecursive}
	null := slices.IndexFunc(lists, func(l []string) bool { return l == nil })
	if null >= 0 {
		clear(lists[null:])
	}
	for _, path := range lists[0] {
		if _, stat, err := v.tree.Get(path, v.conn.ids); err != tree.ErrNoAuth {
			resume(watch.Data, path, missed(err, stat.Mzxid > q.RelativeZxid, wire.EventDataChanged))
		}
	}
	for _, path := range lists[1] {
		if _, err := v.tree.Exists(path); err == nil {
			resume(watch.Data, path, wire.EventCreated)
		} else {
			resume(watch.Data, path, 0)
		}
	}
	for _, path := range lists[2] {
		if _, stat, err := v.tree.Get(path, v.conn.ids); err != tree.ErrNoAuth {
			resume(watch.Child, path, missed(err, stat.Pzxid > q.RelativeZxid, wire.EventChildrenChanged))
		}
	}
	for _, path := range lists[3] {
		resume(watch.Persistent, path, 0)
	}
	for _, path := range lists[4] {
		resume(watch.PersistentRecursive, path, 0)
	}
	v.conn.queue.outEvents += len(b) - start
	if !ok {
		v.fault = errTooManyWatches
	}
	if null >= 0 {
		return b, wire.MarshallingError
	}
	return b, wire.OK
}

// missed returns the event that a watch would have had on a znode that is now
// in this state, or 0.
func missed(err error, changed bool, change wire.EventType) wire.EventType {
	switch {
	case err != nil:
		return wire.EventDeleted
	case changed:
		return change
	}
	return 0
}

func addWatch(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	var q wire.AddWatchRequest
	q.Decode(d)
	if d.Err() != nil {
		return b, wire.MarshallingError
	}
	kinds := map[int32]watch.Kind{
		wire.AddPersistent:          watch.Persistent,
		wire.AddPersistentRecursive: watch.PersistentRecursive,
	}
	k, ok := kinds[q.Mode]
	if !ok {
		return b, wire.MarshallingError
	}
	if !v.watch(k, q.Path) {
		return b, wire.OperationTimeout
	}
	reply := wire.ErrorResponse{Err: wire.OK}
	return reply.Append(b), wire.OK
}

// watchKinds gives the kinds that a removeWatches or checkWatches names.
var watchKinds = map[int32][]watch.Kind{
	wire.WatchChildren: {watch.Child},
	wire.WatchData:     {watch.Data},
	wire.WatchAny:      {watch.Child, watch.Data, watch.Persistent, watch.PersistentRecursive},
}

func checkWatches(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return v.eachWatch(d, b, v.watches.Has)
}

func removeWatches(v *view, d *wire.Decoder, b []byte) ([]byte, wire.Code) {
	return v.eachWatch(d, b, v.watches.Remove)
}

// eachWatch calls do for each kind of watch the request names and answers
// NoWatcher when none reports true.
func (v *view) eachWatch(d *wire.Decoder, b []byte, do func(watch.Kind, string, watch.Conn) bool) ([]byte, wire.Code) {
	var q wire.RemoveWatchesRequest
	q.Decode(d)
	kinds := watchKinds[q.Type]
	if d.Err() != nil || kinds == nil {
		return b, wire.MarshallingError
	}
	v.watchMu.Lock()
	defer v.watchMu.Unlock()
	found := false
	for _, k := range kinds {
		found = do(k, q.Path, watch.Conn(v.conn.number)) || found
	}
	if !found {
		return b, wire.NoWatcher
	}
	return b, wire.OK
}
