package client

import "github.com/mwqueue/mw/zkserver/wire"

// wholeRecord returns a part of a multi with the path the server knows.
func (c *Client) wholeRecord(r wire.Record) wire.Record {
	if c.cfg.Chroot == "" {
		return r
	}
	switch r := r.(type) {
	case *wire.CreateRequest:
		q := *r
		q.Path = c.whole(q.Path)
		return &q
	case *wire.CreateTTLRequest:
		q := *r
		q.Path = c.whole(q.Path)
		return &q
	case *wire.DeleteRequest:
		q := *r
		q.Path = c.whole(q.Path)
		return &q
	case *wire.SetDataRequest:
		q := *r
		q.Path = c.whole(q.Path)
		return &q
	case *wire.CheckRequest:
		q := *r
		q.Path = c.whole(q.Path)
		return &q
	case *wire.PathWatchRequest:
		q := *r
		q.Path = c.whole(q.Path)
		return &q
	}
	return r
}

// pathOf returns the path of a part of a multi.
func pathOf(r wire.Record) string {
	switch r := r.(type) {
	case *wire.CreateRequest:
		return r.Path
	case *wire.CreateTTLRequest:
		return r.Path
	case *wire.DeleteRequest:
		return r.Path
	case *wire.SetDataRequest:
		return r.Path
	case *wire.CheckRequest:
		return r.Path
	case *wire.PathWatchRequest:
		return r.Path
	}
	return ""
}
