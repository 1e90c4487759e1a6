package ensemble

import (
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
