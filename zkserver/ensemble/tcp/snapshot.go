package tcp

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

const (
	chunkFor         = 30 * time.Second // for a record of a snapshot to come, or to be taken
	snapshotTakenFor = 2 * time.Minute
	partFor          = 10 * time.Second

	// resumeFor is how long the sender may take to look at what it has sent
	// before the connection broke.
	resumeFor = 10 * time.Minute

	partBytes = 8 + 8 + 8 + 4 // before the CRC

	// goOn is what the acceptor says when it has taken a record.
	goOn = 0xff
)

// SendSnapshot implements ensemble.Transport.
func (t *Transport) SendSnapshot(ctx context.Context, to int, open func(ensemble.Part) (io.ReadCloser, error)) error {
	select {
	case <-t.running:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m := t.member(to)
	if m == nil {
		return fmt.Errorf("tcp: no member %d", to)
	}
	c, err := t.dial(ctx, t.self, m.Member, streamSnapshot)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	in := bufio.NewReader(c.Conn)
	have := ensemble.Part{}
	if c.version >= 3 {
		if err = c.SetReadDeadline(time.Now().Add(partFor)); err == nil {
			have, err = readPart(in)
		}
		if err != nil {
			return err
		}
	}
	r, err := open(have)
	if err != nil {
		return err
	}
	defer r.Close()
	return t.sendChunks(ctx, c, in, r)
}

// sendChunks sends what is read, at the pace that the other side allows.
func (t *Transport) sendChunks(ctx context.Context, c *conn, in *bufio.Reader, r io.Reader) error {
	w := bufio.NewWriterSize(c, 64<<10)
	p := newPace(t.cfg.SnapshotRate, c.version < 3)
	var b []byte
	for {
		if b = b[:cap(b)]; len(b) < p.chunk {
			b = make([]byte, p.chunk)
		}
		n, err := io.ReadFull(r, b[:p.chunk])
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		began := time.Now()
		if n > 0 {
			if err = writeRecord(w, b[:n]); err == nil {
				err = w.Flush()
			}
			if err == nil && c.version >= 3 {
				err = taken(c, in)
			}
			if err != nil {
				return err
			}
		}
		if last {
			return finish(c, in, w)
		}
		pause(ctx, p.next(n, time.Since(began)))
	}
}

// taken waits until the other side has taken a record. If it does not want any
// more, the error says why.
func taken(c *conn, in *bufio.Reader) error {
	if err := c.SetReadDeadline(time.Now().Add(chunkFor)); err != nil {
		return err
	}
	switch said, err := in.ReadByte(); {
	case err != nil:
		return noEOF(err)
	case said == goOn:
		return nil
	}
	if err := in.UnreadByte(); err != nil {
		return err
	}
	if _, err := readAnswer(in, "", 0); err != nil {
		return err
	}
	return errGarbled // a yes, before the end
}

// finish ends a snapshot and waits until the other member has written, synced
// and named its file.
func finish(c *conn, in *bufio.Reader, w *bufio.Writer) error {
	if err := writeRecord(w, nil); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(snapshotTakenFor)); err != nil {
		return err
	}
	_, err := readAnswer(in, "", 0)
	return err
}

// takeSnapshot takes one snapshot and answers.
func (t *Transport) takeSnapshot(ctx context.Context, c *conn, r ensemble.Receiver, from ensemble.Credentials) {
	if c.version >= 3 {
		if _, err := c.Write(appendPart(nil, r.Part(from))); err != nil {
			return
		}
	}
	err := r.ReceiveSnapshot(from, &chunks{conn: c, in: bufio.NewReaderSize(c.Conn, 64<<10), first: true})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		t.cfg.Log.Warn().Int("member", from.Number).Err(err).Msg("snapshot not taken")
	}
	_ = writeAnswer(c, "", nil, err) // the sender learns of it in any case
}

func appendPart(b []byte, p ensemble.Part) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, p.Index)
	b = binary.BigEndian.AppendUint64(b, p.Term)
	b = binary.BigEndian.AppendUint64(b, p.Bytes)
	b = binary.BigEndian.AppendUint32(b, p.Sum)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func readPart(r io.Reader) (ensemble.Part, error) {
	b := make([]byte, partBytes+4)
	if _, err := io.ReadFull(r, b); err != nil {
		return ensemble.Part{}, noEOF(err)
	}
	if crc32.Checksum(b[:partBytes], castagnoli) != binary.BigEndian.Uint32(b[partBytes:]) {
		return ensemble.Part{}, errGarbled
	}
	return ensemble.Part{
		Index: binary.BigEndian.Uint64(b), Term: binary.BigEndian.Uint64(b[8:]),
		Bytes: binary.BigEndian.Uint64(b[16:]), Sum: binary.BigEndian.Uint32(b[24:]),
	}, nil
}

// chunks reads the records of a snapshot. io.EOF is the end that the sender
// meant.
type chunks struct {
	conn  *conn
	in    io.Reader
	first bool
	left  []byte
	err   error
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 && c.err == nil {
		if c.left, c.err = c.next(); c.err == nil && len(c.left) == 0 {
			c.err = io.EOF
		}
	}
	if len(c.left) == 0 {
		return 0, c.err
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// next gives the next record, when the one before has been taken.
func (c *chunks) next() ([]byte, error) {
	wait := chunkFor
	switch {
	case c.first:
		c.first, wait = false, resumeFor
	case c.conn.version >= 3:
		if _, err := c.conn.Write([]byte{goOn}); err != nil {
			return nil, err
		}
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	b, err := readRecord(c.in, func(size int64) bool { return size <= maxChunk })
	return b, noEOF(err)
}
