package ensemble

import (
	"encoding/hex"
	"testing"
)

// TestVersionIsInSnapshotsFromTheSecondOn: what the first version writes is as it
// was before there were any others.
func TestVersionIsInSnapshotsFromTheSecondOn(t *testing.T) {
	id := foundedBy(7, 5, 6)
	one := meta{time: 9, members: id.founding()}
	two := one
	two.members, _ = one.members.raise(12, bootstrapIndex, 2)
	for _, tt := range []struct {
		name, head string
		m          meta
	}{
		{"first", "0300" + "0000000000000009" + "0000000000000001" + "02", one},
		{"second", "0302" + "0000000000000009" + "02" + "000000000000000c" + "02", two},
	} {
		b, err := tt.m.encode()
		if err != nil || hex.EncodeToString(b[:len(tt.head)/2]) != tt.head {
			t.Errorf("%s: %x, %v", tt.name, b, err)
		}
		got, err := decodeMeta(b)
		if err != nil || got.members.written() != tt.m.members.written() || len(got.members.servers) != 2 {
			t.Errorf("%s: read as %+v, %v", tt.name, got, err)
		}
	}
	alone := meta{time: 9, members: newIdentity().founding()}
	if b, err := alone.encode(); err != nil || b[0] != metaFormat {
		t.Errorf("alone: %x, %v", b, err)
	}
	alone.members.version = 2
	b, err := alone.encode()
	if got, err2 := decodeMeta(b); err != nil || err2 != nil || b[0] != metaMembers || got.members.written() != 2 {
		t.Errorf("alone: %x, %+v, %v, %v", b, got, err, err2)
	}
}

func TestRaiseOfAVersionIsVoidWhenTheMembersHaveChanged(t *testing.T) {
	m := foundedBy(7, 5, 6).founding()
	n := notice{kind: noticeVersion, term: 3, base: bootstrapIndex, version: 2}
	got, err := decodeNotice(n.encode())
	if err != nil || got.base != n.base || got.version != n.version {
		t.Fatalf("%+v, %v", got, err)
	}
	next, ok := m.raise(12, n.base, n.version)
	if !ok || next.written() != 2 || next.index != 12 {
		t.Errorf("%+v, %v", next, ok)
	}
	wished, err := next.begin(14, membersOf(1, 2), false)
	if err != nil {
		t.Fatal(err)
	}
	if left, _, ok := wished.take(15, step{kind: stepAbandon, base: 14, servers: wished.servers}, nil); !ok || left.written() != 2 {
		t.Errorf("after a change of the members: %+v, %v", left, ok)
	}
	for name, void := range map[string]struct {
		base    uint64
		version uint8
	}{"another base": {bootstrapIndex, 3}, "no later": {12, 2}, "an earlier one": {12, 1}} {
		if is, ok := next.raise(13, void.base, void.version); ok || is != next {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestFrameOfALaterVersionIsDropped: frames have no version.
func TestFrameOfALaterVersionIsDropped(t *testing.T) {
	later := []byte{frameOwn + 1, 2, 3}
	if (&Node{}).hears(Credentials{}, later) {
		t.Error("it is heard")
	}
	l := &loop{leading: true}
	l.receiveFrame(2, later) // from the transport of a test, say
	if len(l.tongues) != 0 {
		t.Errorf("it is taken for %v", l.tongues)
	}
}
