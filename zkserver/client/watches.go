package client

import (
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// watches are what this session has asked to be told of, as the server knows
// them: by whole paths. It does no I/O; the client's mutex guards it.
type watches struct{ data, exist, child, persistent, recursive map[string]struct{} }

func newWatches() watches {
	return watches{
		data: map[string]struct{}{}, exist: map[string]struct{}{}, child: map[string]struct{}{},
		persistent: map[string]struct{}{}, recursive: map[string]struct{}{},
	}
}

// A watchAsked is what one call does to the watches when it is answered.
type watchAsked struct {
	op   wire.Op // 0: nothing
	path string
	kind int32 // mode of addWatch, type of removeWatches
}

// watchOf reads from a call's request what watchAsked it is.
func watchOf(call *Call) watchAsked {
	switch r := call.Request.(type) {
	case *wire.PathWatchRequest:
		if r.Watch {
			return watchAsked{op: call.Op, path: r.Path}
		}
	case *wire.AddWatchRequest:
		return watchAsked{op: call.Op, path: r.Path, kind: r.Mode}
	case *wire.RemoveWatchesRequest:
		if call.Op == wire.OpRemoveWatches {
			return watchAsked{op: call.Op, path: r.Path, kind: r.Type}
		}
	}
	return watchAsked{}
}

// answered does to the watches what a call asked for, given the server's answer,
// and returns the kinds of watch that are gone by it.
func (w *watches) answered(a watchAsked, code wire.Code) []wire.EventType {
	if a.op == wire.OpExists && code == wire.NoNode {
		w.exist[a.path] = struct{}{}
	}
	if code != wire.OK {
		return nil
	}
	switch a.op {
	case wire.OpExists, wire.OpGetData:
		w.data[a.path] = struct{}{}
	case wire.OpGetChildren, wire.OpGetChildren2:
		w.child[a.path] = struct{}{}
	case wire.OpAddWatch:
		if a.kind == wire.AddPersistentRecursive {
			w.recursive[a.path] = struct{}{}
		} else {
			w.persistent[a.path] = struct{}{}
		}
	case wire.OpRemoveWatches:
		return w.remove(a.path, a.kind)
	}
	return nil
}

// has reports whether there is a watch on a path that [watches.remove] of this kind
// would remove.
func (w *watches) has(path string, kind int32) bool {
	any := func(sets ...map[string]struct{}) bool {
		for _, set := range sets {
			if _, ok := set[path]; ok {
				return true
			}
		}
		return false
	}
	switch kind {
	case wire.WatchChildren:
		return any(w.child)
	case wire.WatchData:
		return any(w.data, w.exist)
	}
	return any(w.child, w.data, w.exist, w.persistent, w.recursive)
}

// remove forgets the watches of a kind on a path and returns an event type for
// each kind that was there.
func (w *watches) remove(path string, kind int32) (gone []wire.EventType) {
	drop := func(event wire.EventType, sets ...map[string]struct{}) {
		found := false
		for _, set := range sets {
			_, ok := set[path]
			delete(set, path)
			found = found || ok
		}
		if found {
			gone = append(gone, event)
		}
	}
	if kind != wire.WatchData {
		drop(wire.EventChildWatchRemoved, w.child)
	}
	if kind != wire.WatchChildren {
		drop(wire.EventDataWatchRemoved, w.data, w.exist)
	}
	if kind == wire.WatchAny {
		drop(wire.EventPersistentWatchRemoved, w.persistent, w.recursive)
	}
	return gone
}

// fired takes the one-shot watches that e answers, and reports whether anybody
// asked for e.
func (w *watches) fired(e wire.WatcherEvent) (heard bool) {
	take := func(sets ...map[string]struct{}) {
		for _, set := range sets {
			_, ok := set[e.Path]
			delete(set, e.Path)
			heard = heard || ok
		}
	}
	switch e.Type {
	case wire.EventCreated, wire.EventDataChanged:
		take(w.data, w.exist)
	case wire.EventChildrenChanged:
		take(w.child)
	case wire.EventDeleted:
		take(w.data, w.exist, w.child)
	default:
		return true
	}
	return heard || w.persists(e.Path)
}

// persists reports whether a watch of addWatch sees path.
func (w *watches) persists(path string) bool {
	if _, ok := w.persistent[path]; ok {
		return true
	}
	for len(w.recursive) > 0 {
		if _, ok := w.recursive[path]; ok {
			return true
		}
		i := strings.LastIndexByte(path, '/')
		switch {
		case i < 0 || path == "/":
			return false
		case i == 0:
			path = "/"
		default:
			path = path[:i]
		}
	}
	return false
}

// A resetRequest is one setWatches or setWatches2.
type resetRequest struct {
	op   wire.Op
	body wire.Record
}

// resetBytes bounds the paths of one setWatches, so that the frame stays far from
// the server's limit. It is what Apache's client takes.
const resetBytes = 128 << 10

// requests returns what tells a new connection of all watches: setWatches2 only
// where it is needed, because servers before 3.6 do not know it.
func (w *watches) requests(zxid int64) []resetRequest {
	var all []resetRequest
	chunk := &wire.SetWatches2Request{}
	size := 0
	flush := func() {
		if size == 0 {
			return
		}
		chunk.RelativeZxid = zxid
		if len(chunk.Persistent)+len(chunk.PersistentRecursive) > 0 {
			all = append(all, resetRequest{wire.OpSetWatches2, chunk})
		} else {
			all = append(all, resetRequest{wire.OpSetWatches, &chunk.SetWatchesRequest})
		}
		chunk, size = &wire.SetWatches2Request{}, 0
	}
	fill := func(set map[string]struct{}, list func() *[]string) {
		for path := range set {
			*list() = append(*list(), path)
			if size += 4 + len(path); size >= resetBytes {
				flush()
			}
		}
	}
	fill(w.data, func() *[]string { return &chunk.Data })
	fill(w.exist, func() *[]string { return &chunk.Exist })
	fill(w.child, func() *[]string { return &chunk.Child })
	fill(w.persistent, func() *[]string { return &chunk.Persistent })
	fill(w.recursive, func() *[]string { return &chunk.PersistentRecursive })
	flush()
	return all
}
