package tcp

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
)

func TestHelloRoundTrips(t *testing.T) {
	want := hello{low: 1, high: 9, stream: streamSnapshot, to: 255, from: ensemble.Credentials{Number: 3, Cluster: 1 << 63, Directory: 5, Member: 6, Joined: 1 << 62, Address: "zk1:2888"}}
	b := want.append(nil)
	if want := helloBytes + len("zk1:2888") + 4; len(b) != want {
		t.Errorf("%d bytes, want %d", len(b), want)
	}
	if got, err := readHello(bytes.NewReader(b)); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range b {
		b[i] ^= 1
		if _, err := readHello(bytes.NewReader(b)); err == nil {
			t.Errorf("byte %d may be another one", i)
		}
		b[i] ^= 1
	}
}

func TestAnswerRoundTrips(t *testing.T) {
	for _, refused := range []error{nil, errors.New("for a reason"), errors.New(string(bytes.Repeat([]byte("long "), 1000)))} {
		var b bytes.Buffer
		if err := writeAnswer(&b, magic, []byte{newest}, refused); err != nil {
			t.Fatal(err)
		}
		rest, err := readAnswer(&b, magic, 1)
		var no *refusal
		if (refused == nil) != (err == nil) || refused == nil && rest[0] != newest || refused != nil && !errors.As(err, &no) {
			t.Errorf("%.20v comes as %v, %.20v", refused, rest, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	var b bytes.Buffer
	writeRecord(&b, []byte("payload"))
	f.Add(b.Bytes())
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		payload, err := readRecord(r, anySize)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeRecord(&again, payload); err != nil || !bytes.Equal(again.Bytes(), in[:len(in)-r.Len()]) {
			t.Errorf("a record is written otherwise, %v", err)
		}
	})
}

func FuzzHandshake(f *testing.F) {
	f.Add(hello{low: oldest, high: newest, stream: streamRaft}.append(nil))
	var b bytes.Buffer
	writeAnswer(&b, magic, []byte{newest}, errors.New("no"))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		if h, err := readHello(bytes.NewReader(in)); err == nil && !bytes.HasPrefix(in, h.append(nil)) {
			t.Error("a hello is written otherwise")
		}
		readAnswer(bytes.NewReader(in), magic, 1)
	})
}

func TestLargeRecordIsReadInParts(t *testing.T) {
	var b bytes.Buffer
	payload := bytes.Repeat([]byte("0123456789"), 300<<10)
	if err := writeRecord(&b, payload); err != nil {
		t.Fatal(err)
	}
	if got, err := readRecord(&b, anySize); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%d bytes came of %d, %v", len(got), len(payload), err)
	}
	if err := writeRecord(io.Discard, make([]byte, maxRecord+1)); err == nil {
		t.Error("a record without end was written")
	}
}

func anySize(size int64) bool { return size <= maxRecord }
