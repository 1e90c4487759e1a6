package ensemble

import (
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

// FuzzIdentity: what is taken for an identity is the same when written again.
func FuzzIdentity(f *testing.F) {
	f.Add(newIdentity().encode())
	f.Add([]byte("member 1\ncluster 2"))
	f.Add([]byte("member 1\ncluster 2\nvoter 3\nvoter"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := decodeIdentity(b)
		if err != nil {
			return
		}
		again, err := decodeIdentity(id.encode())
		if err != nil || again.member != id.member || again.cluster != id.cluster || !slices.Equal(again.voters, id.voters) {
			t.Errorf("%+v became %+v, %v", id, again, err)
		}
	})
}

// What a released version has written of a server alone is read for ever, and is
// still written like that.
func TestFilesOfAServerAloneAreAsEver(t *testing.T) {
	const golden = "member 0123456789abcdef\ncluster fedcba9876543210\nvoter 0123456789abcdef\n"
	id, err := decodeIdentity([]byte(golden))
	if err != nil || id.member != 0x123456789abcdef || id.cluster != 0xfedcba9876543210 || !slices.Equal(id.voters, []uint64{id.member}) {
		t.Errorf("%+v, %v", id, err)
	}
	if got := string(id.encode()); got != golden {
		t.Errorf("identity is written as %q", got)
	}
	const snapshot = "0100000000000004d208ef9bafcdf8acd19101" // format, time, a ConfState of one voter
	b, _ := hex.DecodeString(snapshot)
	m, err := decodeMeta(b)
	if err != nil || m.time != 1234 || m.received || len(m.members.servers) > 0 || !slices.Equal(m.members.conf.GetVoters(), id.voters) {
		t.Errorf("%+v, %v", m, err)
	}
	if got, err := m.encode(); err != nil || hex.EncodeToString(got) != snapshot {
		t.Errorf("snapshot is written as %x, %v", got, err)
	}
}

// What was written for several members before that was released is refused.
func TestFormatsThatWereNeverReleasedAreRefused(t *testing.T) {
	if _, err := decodeIdentity([]byte("member 1\ncluster 2\nvoter 1\ndirectory 5 of 1\nserver 1 directory 5\n")); !errors.Is(err, errUnreleased) {
		t.Errorf("identity: %v", err)
	}
	if _, err := decodeMeta(append([]byte{2}, make([]byte, 40)...)); !errors.Is(err, errMeta) {
		t.Errorf("snapshot: %v", err)
	}
}
