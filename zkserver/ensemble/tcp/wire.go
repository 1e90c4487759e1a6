package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

// A stream is what a connection is for.
type stream uint8

const (
	streamRaft     stream = 1
	streamFrames   stream = 2
	streamSnapshot stream = 3
)

const (
	magic        = "mwpeer\r\n"
	oldest       = 2 // version that is spoken
	newest       = 4
	beginBytes   = len(magic) + 2
	helloBytes   = beginBytes + 1 + 4 + 4 + 8 + 8 + 8 + 8 + 2
	maxAddress   = 512
	maxWhy       = 512
	maxRecord    = 66 << 20 // the largest command, and more
	recordHeader = 8
	runBytes     = 8

	answerNo      = 1
	answerRemoved = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// tlsRecord is the first byte of a TLS handshake.
const tlsRecord = 0x16

var errTLS = errors.New("tcp: it speaks TLS, and this member is configured without")

var errVersion = errors.New("tcp: another version")

var errGarbled = errors.New("tcp: what came is not what a member sends")

// A refusal is what the other member said why it does not listen.
type refusal struct {
	why     string
	removed bool // since this one is no member any more
}

func (r *refusal) Error() string { return "refused: " + r.why }

// A hello is what the dialer says first. The magic and the versions that follow
// it are alike in all versions, the rest in those that are spoken here.
type hello struct {
	low, high uint8 // versions
	stream    stream
	to        int
	from      ensemble.Credentials
}

// agree gives the newest version that both sides speak.
func (h hello) agree() (version uint8, ok bool) {
	version = min(h.high, newest)
	return version, version >= max(h.low, oldest)
}

func (h hello) append(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = append(b, h.low, h.high, byte(h.stream))
	b = binary.BigEndian.AppendUint32(b, uint32(h.from.Number))
	b = binary.BigEndian.AppendUint32(b, uint32(h.to))
	b = binary.BigEndian.AppendUint64(b, h.from.Cluster)
	b = binary.BigEndian.AppendUint64(b, h.from.Directory)
	b = binary.BigEndian.AppendUint64(b, h.from.Member)
	b = binary.BigEndian.AppendUint64(b, h.from.Joined)
	address := h.from.Address[:min(len(h.from.Address), maxAddress)]
	b = binary.BigEndian.AppendUint16(b, uint16(len(address)))
	b = append(b, address...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func readHello(r io.Reader) (hello, error) {
	b := make([]byte, helloBytes)
	if _, err := io.ReadFull(r, b[:beginBytes]); err != nil {
		return hello{}, err
	}
	if b[0] == tlsRecord {
		return hello{}, errTLS
	}
	if h := (hello{low: b[len(magic)], high: b[len(magic)+1]}); string(b[:len(magic)]) == magic {
		if _, ok := h.agree(); !ok {
			return h, errVersion // of which the rest is not known
		}
	}
	if _, err := io.ReadFull(r, b[beginBytes:]); err != nil {
		return hello{}, noEOF(err)
	}
	size := int(binary.BigEndian.Uint16(b[helloBytes-2:]))
	if string(b[:len(magic)]) != magic || size > maxAddress {
		return hello{}, errGarbled
	}
	rest := make([]byte, size+4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return hello{}, noEOF(err)
	}
	if sum := crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, rest[:size]); sum != binary.BigEndian.Uint32(rest[size:]) {
		return hello{}, errGarbled
	}
	b = b[len(magic):]
	h := hello{low: b[0], high: b[1], stream: stream(b[2])}
	h.from.Number = int(binary.BigEndian.Uint32(b[3:]))
	h.to = int(binary.BigEndian.Uint32(b[7:]))
	h.from.Cluster = binary.BigEndian.Uint64(b[11:])
	h.from.Directory = binary.BigEndian.Uint64(b[19:])
	h.from.Member = binary.BigEndian.Uint64(b[27:])
	h.from.Joined = binary.BigEndian.Uint64(b[35:])
	h.from.Address = string(rest[:size])
	return h, nil
}

// writeAnswer says yes, or why not, behind a prefix.
func writeAnswer(w io.Writer, prefix string, rest []byte, refused error) error {
	why := ""
	b := append([]byte(prefix), 0)
	if refused != nil {
		why = refused.Error()
		b[len(prefix)] = answerNo
		if errors.Is(refused, ensemble.ErrRemoved) {
			b[len(prefix)] = answerRemoved
		}
	}
	why = why[:min(len(why), maxWhy)]
	b = append(b, rest...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(why)))
	b = append(b, why...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	_, err := w.Write(b)
	return err
}

// appendRun and readRun have the number of a process.
func appendRun(b []byte, run uint64) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, run)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

func readRun(r io.Reader) (run uint64, err error) {
	b := make([]byte, runBytes+4)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, noEOF(err)
	}
	if crc32.Checksum(b[:runBytes], castagnoli) != binary.BigEndian.Uint32(b[runBytes:]) {
		return 0, errGarbled
	}
	return binary.BigEndian.Uint64(b), nil
}

// readAnswer reads what writeAnswer wrote; rest is how many bytes it had. The
// error is a refusal if the other one said no.
func readAnswer(r io.Reader, prefix string, rest int) ([]byte, error) {
	b := make([]byte, len(prefix)+1+rest+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(b[len(b)-2:]))
	if string(b[:len(prefix)]) != prefix || size > maxWhy {
		return nil, errGarbled
	}
	tail := make([]byte, size+4)
	if _, err := io.ReadFull(r, tail); err != nil {
		return nil, err
	}
	sum := crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, tail[:size])
	if sum != binary.BigEndian.Uint32(tail[size:]) {
		return nil, errGarbled
	}
	if b[len(prefix)] != 0 {
		return nil, &refusal{string(tail[:size]), b[len(prefix)] == answerRemoved}
	}
	return b[len(prefix)+1 : len(b)-2], nil
}

// writeRecord writes one record in two parts, which the caller gathers.
func writeRecord(w io.Writer, payload []byte) error {
	if len(payload) > maxRecord {
		return fmt.Errorf("tcp: record of %d bytes, limit %d", len(payload), maxRecord)
	}
	var head [recordHeader]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(payload)))
	binary.BigEndian.PutUint32(head[4:], crc32.Checksum(payload, castagnoli))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// readRecord reads one record into new memory, which grows only as the bytes
// come, and may have the size that may allows.
func readRecord(r io.Reader, may func(size int64) bool) ([]byte, error) {
	var head [recordHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if !may(size) {
		return nil, errGarbled
	}
	b := make([]byte, min(size, 64<<10))
	for have := 0; ; {
		n, err := io.ReadFull(r, b[have:])
		if have += n; err != nil {
			return nil, noEOF(err)
		}
		if int64(have) == size {
			break
		}
		b = append(b, make([]byte, min(size-int64(have), int64(have)))...)
	}
	if crc32.Checksum(b, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return nil, errGarbled
	}
	return b, nil
}

// noEOF is for an end in the middle of something.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
