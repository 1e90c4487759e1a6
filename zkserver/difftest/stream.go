package difftest

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A Stream is what the clients of one seed do, step after step. A step begins when
// the one before has been answered.
type Stream struct {
	Seed  uint64
	Steps []Step
}

// A Step is one thing that one client does. Clients have small numbers; each has a
// connection or not, and remembers the last session it was given.
type Step struct {
	Client int
	Do     Action

	// For Connect.
	Connect wire.ConnectRequest // session id and password are filled in by Attach
	Attach  Attach
	Of      int    // whose session is attached to
	Junk    []byte // behind the connect request
	As      string // the [Person] who connects, over TLS; "": without TLS

	// For Send: all of them in flight at the same time.
	Requests []Request
}

// An Action is the kind of a [Step].
type Action int

const (
	Connect Action = iota // on a connection of its own, in place of the one before
	Drop                  // cut the connection; the session goes on
	Send                  // requests on the connection
	Expire                // cut the connection, and wait until the session is no more
)

// An Attach is the session that a Connect asks for.
type Attach int

const (
	NewSession    Attach = iota
	KnownSession         // the one Of was given last, with its password
	WrongPassword        // the same with another password
	NoSuchSession        // an id that nobody was given
)

// A Request is one frame. Body may be anything. Two marks in it are replaced
// before it is sent: [Root] by the path that the run has for itself, and a
// number made by [zxidMark] by that zxid.
type Request struct {
	Xid  int32
	Op   wire.Op
	Body []byte
}

// Root is the path that a stream's paths begin with. Each run puts in its place a
// path of its own of the same length, and back in what it is answered.
const Root = "/s000000"

// zxidMark stands in a body for the zxid that comes delta after the one at which
// the run began.
func zxidMark(delta int64) int64 { return markedZxid + delta }

const markedZxid = 0x7ead_face_0000_8000

// frame returns r as it is sent by a run under root that began at zxid base.
func (r *Request) frame(root string, base int64) []byte {
	b, start := wire.BeginFrame(nil)
	b = (&wire.RequestHeader{Xid: r.Xid, Op: r.Op}).Append(b)
	body := strings.ReplaceAll(string(r.Body), Root, root)
	mark := binary.BigEndian.AppendUint64(nil, markedZxid)[:6]
	for at := 0; ; {
		i := strings.Index(body[at:], string(mark))
		if i < 0 || at+i+8 > len(body) {
			break
		}
		at += i
		v := int64(binary.BigEndian.Uint64([]byte(body[at:at+8]))) - markedZxid + base
		body = body[:at] + string(binary.BigEndian.AppendUint64(nil, uint64(v))) + body[at+8:]
		at += 8
	}
	return wire.EndFrame(append(b, body...), start)
}

// Len returns how many requests s sends.
func (s Stream) Len() int {
	n := 0
	for i := range s.Steps {
		n += len(s.Steps[i].Requests)
	}
	return n
}

// String lists the steps, one request a line.
func (s Stream) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d steps, %d requests; ~ is the path of the run\n", s.Seed, len(s.Steps), s.Len())
	for i := range s.Steps {
		fmt.Fprintf(&b, "%4d  %v\n", i, &s.Steps[i])
	}
	return b.String()
}

func (s *Step) String() string {
	switch s.Do {
	case Drop:
		return fmt.Sprintf("client %d cuts its connection", s.Client)
	case Expire:
		return fmt.Sprintf("client %d cuts its connection and its session expires", s.Client)
	case Connect:
		return fmt.Sprintf("client %d connects%s, %s: %s", s.Client, showPerson(s.As), s.Attach.text(s.Of), showConnect(&s.Connect, s.Junk))
	}
	var lines []string
	for i := range s.Requests {
		lines = append(lines, fmt.Sprintf("client %d  %v", s.Client, &s.Requests[i]))
	}
	return strings.Join(lines, "\n    + ")
}

func (a Attach) text(of int) string {
	switch a {
	case KnownSession:
		return fmt.Sprintf("session of client %d", of)
	case WrongPassword:
		return fmt.Sprintf("session of client %d, wrong password", of)
	case NoSuchSession:
		return "no such session"
	}
	return "new session"
}

// String shows the header and the body, decoded if it is whole.
func (r *Request) String() string {
	rec := wire.NewRequest(r.Op)
	d := wire.NewDecoder(r.Body)
	text := ""
	switch {
	case rec == nil:
		text = fmt.Sprintf("body %x", r.Body)
	default:
		rec.Decode(&d)
		text = showRequest(rec)
		if d.Err() != nil {
			text = fmt.Sprintf("body %x (%v)", r.Body, d.Err())
		} else if d.Len() > 0 {
			text += fmt.Sprintf(" junk %x", d.Rest())
		}
	}
	return fmt.Sprintf("xid %d %v %s", r.Xid, r.Op, short(text))
}

// short makes text fit a line: the run's path is ~.
func short(text string) string { return strings.ReplaceAll(text, Root, "~") }
