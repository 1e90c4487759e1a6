package tree

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestLoadOfTheRecordsIsTheSameTree carries a tree with every kind of znode
// over: digest, counts and the next sequential name are the same.
func TestLoadOfTheRecordsIsTheSameTree(t *testing.T) {
	from := New()
	world := []ACL{{Perms: PermAll, Scheme: "world", ID: "anyone"}}
	for i, op := range []Op{
		Create{Path: "/a", Data: []byte("x"), ACL: world},
		Create{Path: "/a/s-", ACL: world, Mode: PersistentSequential},
		Create{Path: "/a/s-", ACL: world, Mode: PersistentSequential},
		Delete{Path: "/a/s-0000000000", Version: -1},
		Create{Path: "/e", ACL: world, Mode: Ephemeral},
		Create{Path: "/c", ACL: []ACL{{Perms: PermRead, Scheme: "digest", ID: "u:h"}}, Mode: Container},
		Create{Path: "/t", ACL: world, Mode: PersistentTTL, TTL: 5000},
		SetData{Path: "/a", Data: nil, Version: 0},
	} {
		if r := from.Apply(Txn{Zxid: int64(i + 1), Time: 1000, Session: 7, Op: op}); r.Err != nil {
			t.Fatalf("%#v: %v", op, r.Err)
		}
	}

	to, err := Load(from.LastZxid(), from.Records())
	if err != nil {
		t.Fatal(err)
	}
	if to.Digest() != from.Digest() || to.Counts() != from.Counts() || to.LastZxid() != from.LastZxid() {
		t.Errorf("digest %x, counts %+v, zxid %d, want %x, %+v, %d",
			to.Digest(), to.Counts(), to.LastZxid(), from.Digest(), from.Counts(), from.LastZxid())
	}
	txn := Txn{Zxid: 100, Op: Create{Path: "/a/s-", ACL: world, Mode: PersistentSequential}}
	if got, want := to.Apply(txn).Path, "/a/s-0000000002"; got != want {
		t.Errorf("next sequential name %q, want %q", got, want)
	}
}

func TestLoadMakesTheZnodesEveryTreeHas(t *testing.T) {
	to, err := Load(0, slices.Values([]Record(nil)))
	if err != nil || to.Digest() != New().Digest() {
		t.Errorf("an empty load: error %v, or not the tree that New makes", err)
	}
}

func TestLoadRefusesWhatNoTreeHas(t *testing.T) {
	world := []ACL{{Perms: PermAll, Scheme: "world", ID: "anyone"}}
	tests := map[string][]Record{
		"invalid path":    {{Path: "/a/", ACL: world}},
		"no ACL":          {{Path: "/a"}},
		"twice":           {{Path: "/a", ACL: world}, {Path: "/a", ACL: world}},
		"no parent":       {{Path: "/a/b", ACL: world}},
		"is ephemeral":    {{Path: "/e", ACL: world, Mode: Ephemeral, Owner: 1}, {Path: "/e/b", ACL: world}},
		"how a name is m": {{Path: "/a", ACL: world, Mode: EphemeralSequential}},
	}
	for _, want := range slices.Sorted(maps.Keys(tests)) {
		if _, err := Load(0, slices.Values(tests[want])); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
