package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// AnyVersion as a version matches every version.
const AnyVersion int32 = -1

// Stat is what the service knows about a znode besides its data.
type Stat struct {
	Czxid, Mzxid, Pzxid int64     // of the znode's creation, last change of data, and of children
	Ctime, Mtime        time.Time // by the service's clock
	Version             int32     // changes of the data
	Cversion            int32     // changes of the children
	Aversion            int32     // changes of the ACL
	EphemeralOwner      int64     // the session that owns it, 0 when it is persistent
	DataLength          int       // in bytes
	NumChildren         int
}

// Mode says what kind of znode to create.
type Mode uint8

// An ephemeral znode lives as long as its session. The service adds ten digits
// to a sequential one's name, counted up per parent.
const (
	Persistent Mode = iota
	Ephemeral
	Sequential
	EphemeralSequential
)

func (m Mode) sequential() bool { return m == Sequential || m == EphemeralSequential }

var createFlags = [...]int32{
	Persistent:          0,
	Ephemeral:           zk.FlagEphemeral,
	Sequential:          zk.FlagSequence,
	EphemeralSequential: zk.FlagEphemeral | zk.FlagSequence,
}

// Get returns the data of a znode. The caller owns it.
func (s *Session) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	d, err := readPath(ctx, s, "get", path, func(conn *zk.Conn, abs string) (Data, error) {
		data, stat, err := conn.Get(abs)
		return Data{Bytes: data, Stat: statOf(stat)}, err
	})
	return d.Bytes, d.Stat, err
}

// Exists says whether a znode exists.
func (s *Session) Exists(ctx context.Context, path string) (Stat, bool, error) {
	d, err := readPath(ctx, s, "look for", path, func(conn *zk.Conn, abs string) (Data, error) {
		exists, stat, err := conn.Exists(abs)
		return Data{Exists: exists, Stat: statOf(stat)}, err
	})
	return d.Stat, d.Exists, err
}

// Children lists the names of a znode's children, in no order. The caller owns
// the list.
func (s *Session) Children(ctx context.Context, path string) ([]string, Stat, error) {
	c, err := readPath(ctx, s, "list", path, func(conn *zk.Conn, abs string) (Children, error) {
		names, stat, err := conn.Children(abs)
		return Children{Names: names, Stat: statOf(stat)}, err
	})
	return c.Names, c.Stat, err
}

// Sync returns when the server we are connected to has caught up with the
// leader: what is read next is no older than any write that was answered, to
// anyone, before the call.
func (s *Session) Sync(ctx context.Context, path string) error {
	_, err := readPath(ctx, s, "sync", path, func(conn *zk.Conn, abs string) (string, error) {
		return conn.Sync(abs)
	})
	return err
}

// Create makes a znode and returns its path, which for a sequential one is
// longer than the path given. The data is copied before Create returns.
func (s *Session) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	if err := cmp.Or(checkPath(path, mode.sequential()), checkData(data)); err != nil {
		return "", fmt.Errorf("create %s: %w", path, err)
	}
	abs, data := s.abs(path), clone(data)
	made, err := send(ctx, s, func(conn *zk.Conn) (string, error) {
		return conn.Create(abs, data, createFlags[mode], zk.WorldACL(zk.PermAll))
	})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", path, err)
	}
	return s.rel(made), nil
}

// Set replaces the data of a znode if it has that version.
func (s *Session) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	if err := cmp.Or(checkPath(path, false), checkData(data)); err != nil {
		return Stat{}, fmt.Errorf("set %s: %w", path, err)
	}
	abs, data := s.abs(path), clone(data)
	stat, err := send(ctx, s, func(conn *zk.Conn) (*zk.Stat, error) { return conn.Set(abs, data, version) })
	if err != nil {
		return Stat{}, fmt.Errorf("set %s: %w", path, err)
	}
	return statOf(stat), nil
}

// Delete removes a znode if its data has that version and it has no children.
func (s *Session) Delete(ctx context.Context, path string, version int32) error {
	if err := checkPath(path, false); err != nil {
		return fmt.Errorf("delete %s: %w", path, err)
	}
	abs := s.abs(path)
	_, err := send(ctx, s, func(conn *zk.Conn) (struct{}, error) { return struct{}{}, conn.Delete(abs, version) })
	if err != nil {
		return fmt.Errorf("delete %s: %w", path, err)
	}
	return nil
}

// readPath is read with the path checked and named in the error.
func readPath[T any](ctx context.Context, s *Session, verb, path string, f func(conn *zk.Conn, abs string) (T, error)) (T, error) {
	var none T
	if err := checkPath(path, false); err != nil {
		return none, fmt.Errorf("%s %s: %w", verb, path, err)
	}
	abs := s.abs(path)
	v, err := read(ctx, s, func(conn *zk.Conn) (T, error) { return f(conn, abs) })
	if err != nil {
		return none, fmt.Errorf("%s %s: %w", verb, path, err)
	}
	return v, nil
}

// abs puts the chroot before a path.
func (s *Session) abs(path string) string {
	if path == "/" && s.cfg.Chroot != "" {
		return s.cfg.Chroot
	}
	return s.cfg.Chroot + path
}

// rel takes the chroot from a path.
func (s *Session) rel(abs string) string {
	path := strings.TrimPrefix(abs, s.cfg.Chroot)
	if path == "" {
		return "/"
	}
	return path
}

// clone copies data for a request that may outlive its caller's patience. The
// copy is never nil, which on the wire would be "no data" instead of "empty".
func clone(data []byte) []byte { return append(make([]byte, 0, len(data)), data...) }

func statOf(st *zk.Stat) Stat {
	if st == nil {
		return Stat{}
	}
	return Stat{
		Czxid: st.Czxid, Mzxid: st.Mzxid, Pzxid: st.Pzxid,
		Ctime: time.UnixMilli(st.Ctime), Mtime: time.UnixMilli(st.Mtime),
		Version: st.Version, Cversion: st.Cversion, Aversion: st.Aversion,
		EphemeralOwner: st.EphemeralOwner,
		DataLength:     int(st.DataLength), NumChildren: int(st.NumChildren),
	}
}
