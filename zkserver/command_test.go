package zkserver

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver/tree"
)

// TestCommandsAreWrittenAndRead has the bytes of each kind: logs are made of them.
func TestCommandsAreWrittenAndRead(t *testing.T) {
	tests := []struct {
		name  string
		cmd   command
		bytes string
	}{
		{"create", command{kind: doCreate, session: 1 << 56, timeout: time.Second}, "02" + "0100000000000000" + "000003e8"},
		{"attach", command{kind: doAttach, session: 2, timeout: time.Minute, attach: 3}, "09" + "0000000000000002" + "0000ea60" + "00000003"},
		{"expire", command{kind: doExpire, session: 2, attach: 3, term: 5}, "08" + "0000000000000002" + "00000003" + "0000000000000005"},
		{"key", command{kind: doKey, secret: []byte{1, 2}}, "05" + "0102"},
		{"request", command{kind: doRequest, session: 2, attach: 3, rules: tree.EnforceQuota | tree.NoX509, authSet: []byte("ab"), request: []byte("xyz")},
			"06" + "0000000000000002" + "00000003" + "14" + "026162" + "78797a"},
		{"sweep", command{kind: doSweep, sweep: tree.Expire{Path: "/c", Unused: 256}}, "07" + "0000000000000100" + "2f63"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(tt.cmd.append(nil)); got != tt.bytes {
				t.Errorf("written as %s, want %s", got, tt.bytes)
			}
			checkCommand(t, tt.bytes, tt.cmd)
		})
	}
}

// TestRequestsOfTheFirstVersionKeepItsRules: that had no containers, TTL znodes
// and quotas, and answered requests so.
func TestRequestsOfTheFirstVersionKeepItsRules(t *testing.T) {
	checkCommand(t, "01"+"0000000000000002"+"00000003"+"026162"+"78797a",
		command{kind: doRequest, session: 2, attach: 3, rules: oldRules, authSet: []byte("ab"), request: []byte("xyz")})
}

// TestExpiriesOfTheFirstVersionHoldInAnyTerm: it knew of one member only.
func TestExpiriesOfTheFirstVersionHoldInAnyTerm(t *testing.T) {
	checkCommand(t, "04"+"0000000000000002"+"00000003", command{kind: doExpire, session: 2, attach: 3})
}

// TestAttachesOfTheFirstVersionHoldWhateverTheCount: no other member could have
// one under way.
func TestAttachesOfTheFirstVersionHoldWhateverTheCount(t *testing.T) {
	checkCommand(t, "03"+"0000000000000002"+"0000ea60", command{kind: doAttach, session: 2, timeout: time.Minute, always: true})
}

func checkCommand(t *testing.T, in string, want command) {
	t.Helper()
	b, err := hex.DecodeString(in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseCommand(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(command{})); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03\x02abxyz"))
	f.Add([]byte("\x06\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03\x14\x02abxyz"))
	f.Add([]byte("\x08\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x05"))
	f.Add([]byte("\x07\x00\x00\x00\x00\x00\x00\x01\x00/c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if cmd, err := parseCommand(b); err == nil && cmd.rules != oldRules && !cmd.always {
			again, err := parseCommand(cmd.append(nil))
			if diff := cmp.Diff(cmd, again, cmp.AllowUnexported(command{})); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		}
	})
}

// TestCommandsOfLaterVersionsAreNotDecodable, nor are those that nobody wrote.
func TestCommandsOfLaterVersionsAreNotDecodable(t *testing.T) {
	good := command{kind: doRequest, session: 2, rules: tree.AllRules | reconfigRule, request: []byte("xyz")}
	later, garbled := good, good
	later.rules, garbled.authSet = tree.AllRules+1, []byte{9}
	for name, b := range map[string][]byte{
		"empty": {}, "kind": append([]byte{byte(doAttach) + 1}, make([]byte, 20)...), "rules": later.append(nil), "identities": garbled.append(nil),
	} {
		if decodable(b) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := decodable(good.append(nil)); err != nil {
		t.Error(err)
	}
}
