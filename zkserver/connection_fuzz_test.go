package zkserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A recording is a client that sends all it has and hangs up, and what it got.
type recording struct {
	net.Conn // nil: what is not below is not called
	in       io.Reader

	mu  sync.Mutex // protects the fields below
	out bytes.Buffer
}

func (r *recording) Read(b []byte) (int, error) { return r.in.Read(b) }

func (r *recording) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(b)
}

func (*recording) Close() error                     { return nil }
func (*recording) SetDeadline(time.Time) error      { return nil }
func (*recording) SetReadDeadline(time.Time) error  { return nil }
func (*recording) SetWriteDeadline(time.Time) error { return nil }
func (*recording) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (*recording) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }

// An immediate log applies what is proposed at once.
type immediate struct{ *rig }

func (b immediate) Offer(_ context.Context, p ensemble.Proposal) error {
	b.replica.Apply(ensemble.Batch{Term: 1, Time: 1000, Commands: []ensemble.Command{{Origin: rigOrigin, Seq: p.Seq, Data: p.Data}}})
	return nil
}

// FuzzConnection serves a connection on which anything may come: as it is, and
// behind a handshake. What goes back is a handshake's answer and whole frames
// with headers, or the text of a word; and nothing is left of it in the server.
func FuzzConnection(f *testing.F) {
	hello := framed(&wire.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16)})
	open := []wire.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}
	create := &wire.CreateRequest{Path: "/a", ACL: open}
	for op := range ops {
		if q := wire.NewRequest(op); q != nil {
			f.Add(true, framed(&wire.RequestHeader{Xid: 1, Op: op}, q))
		}
	}
	f.Add(true, append(framed(&wire.RequestHeader{Xid: 1, Op: wire.OpCreate}, create),
		framed(&wire.RequestHeader{Xid: 2, Op: wire.OpGetData}, &wire.PathWatchRequest{Path: "/a", Watch: true})...))
	f.Add(true, framed(&wire.RequestHeader{Xid: 1, Op: wire.OpMulti}, &wire.MultiRequest{Ops: []wire.MultiOp{{Op: wire.OpCreate, Request: create}}}))
	f.Add(true, framed(&wire.RequestHeader{Xid: wire.XidAuth, Op: wire.OpAuth}, &wire.AuthRequest{Scheme: "digest", Auth: []byte("a:b")}))
	f.Add(true, framed(&wire.RequestHeader{Xid: 1, Op: wire.OpSetWatches}, &wire.SetWatchesRequest{Data: []string{"/a"}, Exist: []string{"/"}, Child: []string{"/"}}))
	f.Add(false, hello)
	f.Add(false, []byte("mntr"))
	f.Add(false, []byte("wchp\n"))
	f.Add(false, []byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, greeted bool, sent []byte) {
		b := newRig(t)
		b.writes = immediate{b}
		b.words = newWords([]string{"*"})
		ctx, cancel := context.WithCancel(t.Context())
		var syncing sync.WaitGroup
		syncing.Go(func() { _ = b.syncs.run(ctx, func(context.Context, []*conn) error { return nil }) })
		defer syncing.Wait()
		defer cancel()

		if greeted {
			sent = append(bytes.Clone(hello), sent...)
		}
		client := &recording{in: bytes.NewReader(sent)}
		newConn(b.Server, client, addrOf(client)).run(ctx)
		if greeted {
			checkFrames(t, client.out.Bytes())
		}
		if n, held, output := len(b.replica.conns), b.held.Load(), b.output.Load(); n != 0 || held != 0 || output != 0 {
			t.Errorf("left: %d connections, %d bytes of requests, %d of output", n, held, output)
		}
		if n := b.replica.watches.Len(); n != 0 {
			t.Errorf("left: %d watches", n)
		}
		if !b.input.room.TryAcquire(b.cfg.MaxInput) {
			t.Error("left: room for large requests is taken")
		}
	})
}

func framed(records ...wire.Record) []byte {
	b, start := wire.BeginFrame(nil)
	for _, r := range records {
		b = r.Append(b)
	}
	return wire.EndFrame(b, start)
}

// checkFrames reads what a client got, the last frame of which may be cut.
func checkFrames(t *testing.T, got []byte) {
	t.Helper()
	r := bytes.NewReader(got)
	frame, err := wire.ReadFrame(r, nil, 1<<10)
	var hello wire.ConnectResponse
	if err != nil || wire.Decode(frame, &hello) != nil || hello.SessionID == 0 {
		t.Fatalf("no session: %x, %v", frame, err)
	}
	for {
		frame, err := wire.ReadFrame(r, nil, 64<<20)
		if err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Errorf("read a reply: %v", err)
			}
			return
		}
		var h wire.ReplyHeader
		d := wire.NewDecoder(frame)
		if h.Decode(&d); d.Err() != nil {
			t.Errorf("reply without header: %x", frame)
		}
	}
}

// FuzzReadBackup: a backup that is read is the same when it is written again. The
// checksums of the fuzzer's are put right, or little else would be tried.
func FuzzReadBackup(f *testing.F) {
	for _, content := range [][]byte{nil, {1, 2, 3}} {
		b := newRig(f)
		b.replica.sessions.Create(5, time.Second)
		open := []tree.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}
		b.replica.tree.Apply(tree.Txn{Zxid: 9, Session: 5, Op: tree.Create{Path: "/a", Data: content, ACL: open, Mode: tree.Ephemeral}})
		var raw bytes.Buffer
		raw.WriteString(backupMagic)
		raw.Write(make([]byte, 8))
		if _, err := b.replica.Capture().WriteTo(&raw); err != nil {
			f.Fatal(err)
		}
		f.Add(raw.Bytes())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		ReadBackup(bytes.NewReader(in))
		b, err := ReadBackup(bytes.NewReader(binary.BigEndian.AppendUint32(bytes.Clone(in), crc32.Checksum(in, castagnoli))))
		if err != nil {
			return
		}
		digest := b.Tree.Digest()
		var raw bytes.Buffer
		if _, err := b.content.capture().WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		again, err := readContent(&raw)
		if err != nil || again.tree.Digest() != digest || again.sessions.Len() != b.Sessions() || again.zxid != b.Zxid {
			t.Errorf("written and read again: %v", err)
		}
	})
}
