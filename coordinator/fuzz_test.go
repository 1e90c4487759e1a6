package coordinator

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var fuzzSeeds = []string{
	"", "echo hi", "w1:2224", "done", `{}`, `{"shell":"x","timeout":"1s","payload":[1]}`, `{"control":"cancel","task":"task-0000000001"}`,
	`{"attempt":1,"term":2}`, `{"outcome":"done","exit":3,"stdout":{"base64":"/w=="},"started":"2026-01-02T03:04:05Z"}`,
	`{"slots":4,"labels":{"a":"b"}}`, `{"argv":[""]}`, `{"timeout":-1e308}`, "{\"a\":\"\xff\"}", `{"stdout":7}`,
}

// Whatever a znode holds, nothing panics, and a record that was read is written
// so that it is read alike again.
func FuzzRecords(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if spec, err := ParseSpec(data); err == nil && spec.Validate() == nil {
			again, err := ParseSpec(spec.Encode())
			if err != nil {
				t.Fatalf("spec is not read again: %v", err)
			}
			spec.Payload, again.Payload = compact(spec.Payload), compact(again.Payload)
			same(t, spec, again)
		}
		same(t, ParseAssignment(data), ParseAssignment(ParseAssignment(data).Encode()))
		same(t, ParseAttemptData(data), ParseAttemptData(ParseAttemptData(data).Encode()))
		same(t, ParseRegistration(data), ParseRegistration(ParseRegistration(data).Encode()))
		if status := ParseStatus(data); status != ParseStatus([]byte(status)) && len(status) <= maxStatusBytes {
			t.Fatalf("status %q is not read again", status)
		}
	})
}

// same compares two records; whether a list is nil or empty, JSON does not
// tell.
func same[T any](t *testing.T, a, b T) {
	t.Helper()
	if diff := cmp.Diff(a, b, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("not read again alike:\n%s", diff)
	}
}

// compact takes the blanks out of a payload.
func compact(payload []byte) []byte {
	var out bytes.Buffer
	_ = json.Compact(&out, payload)
	return out.Bytes()
}

func FuzzParseServers(f *testing.F) {
	for _, seed := range []string{"a:1,b:2/x", "[::1]:2181", "/", ",", "a:1/x/../y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		servers, chroot, err := ParseServers(in)
		if err != nil {
			return
		}
		if _, err := (Config{Servers: servers, Chroot: chroot}).withDefaults(); err != nil {
			t.Fatalf("ParseServers(%q) gives what Config refuses: %v", in, err)
		}
	})
}
