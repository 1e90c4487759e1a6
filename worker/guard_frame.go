package worker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A worker and its guard talk in frames over two pipes:
//
//	+----------+---------+-----------+
//	| size 4B  | kind 1B | payload   |
//	+----------+---------+-----------+
//
// size counts kind and payload. The integers of a frame are big-endian; those
// of the payloads of start and ended are varints, and their strings and lists
// are preceded by their length.
//
//	worker → guard
//	  lease    session 8B, deadline 8B      kill everything when boottime passes the deadline
//	  start    startRequest                 run a command
//	  signal   run 8B, signal 4B            to the command's process group
//	  fence    session 8B                   kill everything now, refuse more of this session
//
//	worker → sentinel, whose program is the guard's: its first frame tells
//	  sentinel instance                     kill what is left of it when the pipe ends; "": none
//
//	guard → worker
//	  ready    nothing                      it runs, and can start commands
//	  leased   session 8B, deadline 8B      has read that lease
//	  started  run 8B, pid 4B
//	  ended    endedEvent                   also for what could not be started
//	  fenced   session 8B                   everything of the session is dead
//
// A run is a number the worker gives to a command; a session is a number it
// gives to a registration. Both only grow.
const (
	frameLease  = 'L'
	frameStart  = 'S'
	frameSignal = 'K'
	frameFence  = 'F'

	frameSentinel = 'W'

	frameReady   = 'r'
	frameLeased  = 'l'
	frameStarted = 's'
	frameEnded   = 'e'
	frameFenced  = 'f'
)

// maxFrame bounds a frame. A task's znode holds less than 1 MiB.
const maxFrame = 4 << 20

var errFrame = errors.New("worker: malformed guard frame")

// startRequest asks the guard to run a command.
type startRequest struct {
	Run     uint64
	Session uint64
	Path    string   // the executable, absolute
	Argv    []string // Argv[0] is what the command sees as its name
	Env     []string
	Dir     string // working directory
	Mark    string // markOf Env
	Stdout  string // file that is to keep the stream, made when the first byte comes
	Stderr  string
	Limit   int64 // bytes kept of each stream
}

// endedEvent reports the end of a command and of all its processes.
type endedEvent struct {
	Run    uint64
	Fenced bool   // killed, or not started, because its session was over
	Errno  uint64 // not 0: it could not be started
	Own    bool   // Errno is of what the guard does for itself, not of the command
	Code   int    // exit status, if no signal ended it
	Signal int    // that ended it, or that came before it was started
	Stdout streamEnd
	Stderr streamEnd

	// GuardDied is set by the worker's side: the guard process is gone, and
	// with it the knowledge how the command ended. Unstarted: it never ran.
	GuardDied bool
	Unstarted bool

	// Stuck is set by attend: the command was killed and does not go away.
	Stuck bool
}

// streamEnd is what is known of one stream when it has ended.
type streamEnd struct {
	Bytes int64  // length of the whole, kept or not
	Tail  []byte // its last bytes
	Fault string // why not all of it could be kept; "": all was, up to the limit
}

func (s *startRequest) append(b []byte) []byte {
	b = binary.AppendUvarint(b, s.Run)
	b = binary.AppendUvarint(b, s.Session)
	b = appendText(b, s.Path)
	b = appendTexts(b, s.Argv)
	b = appendTexts(b, s.Env)
	b = appendText(b, s.Dir)
	b = appendText(b, s.Mark)
	b = appendText(b, s.Stdout)
	b = appendText(b, s.Stderr)
	return binary.AppendVarint(b, s.Limit)
}

func (s *startRequest) decode(b []byte) error {
	d := payload{b: b}
	*s = startRequest{
		Run: d.uint(), Session: d.uint(), Path: d.text(), Argv: d.texts(), Env: d.texts(),
		Dir: d.text(), Mark: d.text(), Stdout: d.text(), Stderr: d.text(), Limit: d.int(),
	}
	return d.end()
}

func (e *endedEvent) append(b []byte) []byte {
	b = binary.AppendUvarint(b, e.Run)
	b = appendBool(b, e.Fenced)
	b = binary.AppendUvarint(b, e.Errno)
	b = appendBool(b, e.Own)
	b = binary.AppendVarint(b, int64(e.Code))
	b = binary.AppendVarint(b, int64(e.Signal))
	for _, s := range []*streamEnd{&e.Stdout, &e.Stderr} {
		b = binary.AppendVarint(b, s.Bytes)
		b = appendText(b, string(s.Tail))
		b = appendText(b, s.Fault)
	}
	return b
}

func (e *endedEvent) decode(b []byte) error {
	d := payload{b: b}
	*e = endedEvent{Run: d.uint(), Fenced: d.uint() != 0, Errno: d.uint(), Own: d.uint() != 0, Code: int(d.int()), Signal: int(d.int())}
	for _, s := range []*streamEnd{&e.Stdout, &e.Stderr} {
		s.Bytes = d.int()
		s.Tail = []byte(d.text())
		s.Fault = d.text()
	}
	return d.end()
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// payload reads what the appends wrote. The first fault empties it: what is
// read after it is zero, and end reports it.
type payload struct {
	b   []byte
	bad bool
}

func (p *payload) uint() uint64 {
	v, n := binary.Uvarint(p.b)
	p.skip(n)
	return v
}

func (p *payload) int() int64 {
	v, n := binary.Varint(p.b)
	p.skip(n)
	return v
}

func (p *payload) text() string {
	n := p.uint()
	if n > uint64(len(p.b)) {
		p.skip(0)
		return ""
	}
	s := string(p.b[:n])
	p.b = p.b[n:]
	return s
}

func (p *payload) texts() []string {
	n := p.uint()
	if n > uint64(len(p.b)) { // each takes a byte at least
		p.skip(0)
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, p.text())
	}
	return list
}

// skip drops the n bytes a varint took; n < 1 says that there was none.
func (p *payload) skip(n int) {
	if n < 1 {
		p.b, p.bad = nil, true
		return
	}
	p.b = p.b[n:]
}

func (p *payload) end() error {
	if p.bad || len(p.b) > 0 {
		return errFrame
	}
	return nil
}

// appendFrame appends a frame whose payload is appended by body.
func appendFrame(b []byte, kind byte, body func([]byte) []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, kind)
	b = body(b)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendLease appends a lease or leased frame.
func appendLease(b []byte, kind byte, session uint64, deadline int64) []byte {
	return appendFrame(b, kind, func(b []byte) []byte {
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, session), uint64(deadline))
	})
}

// appendRun appends a signal or started frame: a run and a signal or a pid.
func appendRun(b []byte, kind byte, run uint64, n int) []byte {
	return appendFrame(b, kind, func(b []byte) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, run), uint32(n))
	})
}

// appendSession appends a fence or fenced frame.
func appendSession(b []byte, kind byte, session uint64) []byte {
	return appendFrame(b, kind, func(b []byte) []byte { return binary.BigEndian.AppendUint64(b, session) })
}

func decodeLease(b []byte) (session uint64, deadline int64, err error) {
	if len(b) != 16 {
		return 0, 0, errFrame
	}
	return binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:])), nil
}

func decodeRun(b []byte) (run uint64, n int, err error) {
	if len(b) != 12 {
		return 0, 0, errFrame
	}
	return binary.BigEndian.Uint64(b), int(binary.BigEndian.Uint32(b[8:])), nil
}

func decodeSession(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, errFrame
	}
	return binary.BigEndian.Uint64(b), nil
}

// frames reads frames from a pipe.
type frames struct {
	r   *bufio.Reader
	buf []byte
}

func newFrames(r io.Reader) *frames { return &frames{r: bufio.NewReaderSize(r, 64<<10)} }

// is reports whether the next frame is of that kind. It blocks until there is
// one; a pipe that has ended has none.
func (f *frames) is(kind byte) bool {
	head, err := f.r.Peek(5)
	return err == nil && head[4] == kind
}

// next returns the next frame. The payload is valid until the next call.
// io.EOF says that the other side closed the pipe between two frames.
func (f *frames) next() (kind byte, payload []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 1 || size > maxFrame {
		return 0, nil, fmt.Errorf("%w: size %d", errFrame, size)
	}
	f.buf = slices.Grow(f.buf[:0], int(size))[:size]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return 0, nil, fmt.Errorf("%w: cut short: %w", errFrame, err)
	}
	return f.buf[0], f.buf[1:], nil
}
