package tree

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestQuotaPathsAreASet holds the paths against a list of them, through random
// changes, and looks for what is left of those that are gone.
func TestQuotaPathsAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got quotaPaths
		var want []string
		paths := rapid.StringMatching(`(/(a|b|ab)){1,4}`)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			path := paths.Draw(t, "path")
			want = slices.DeleteFunc(want, func(p string) bool { return p == path })
			if rapid.Bool().Draw(t, "add") {
				got.add(path)
				want = append(want, path)
			} else {
				got.remove(path)
			}
			if all := slices.Sorted(slices.Values(got.all())); !slices.Equal(all, slices.Sorted(slices.Values(want))) {
				t.Fatalf("%q, want %q", all, want)
			}
			asked, longest := paths.Draw(t, "asked"), ""
			for _, p := range want {
				if len(p) > len(longest) && strings.HasPrefix(asked+"/", p+"/") {
					longest = p
				}
			}
			if of := got.longest(asked); of != longest {
				t.Fatalf("%q is below %q of %q, want %q", asked, of, want, longest)
			}
			checkNoDeadEnds(t, &got)
		}
		if of := got.longest("/"); of != "" {
			t.Errorf("the root is below %q", of)
		}
	})
}

func checkNoDeadEnds(t *rapid.T, q *quotaPaths) {
	for name, next := range q.below {
		if next.path == "" && len(next.below) == 0 {
			t.Fatalf("%q leads nowhere", name)
		}
		checkNoDeadEnds(t, next)
	}
}

// BenchmarkSetDataOfADeepZnode is a write far down, while there is a quota
// elsewhere, and one far up the same way.
func BenchmarkSetDataOfADeepZnode(b *testing.B) {
	for name, of := range map[string]string{"no quota": "", "elsewhere": "/b", "above": "/a"} {
		b.Run(name, func(b *testing.B) {
			tr := New()
			zxid := int64(0)
			apply := func(op Op) {
				zxid++
				if r := tr.Apply(Txn{Zxid: zxid, Op: op}); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
			path := ""
			for range 1000 {
				path += "/a"
				apply(Create{Path: path, ACL: open})
			}
			if of != "" {
				apply(Create{Path: quotaPath + of, ACL: open})
				apply(Create{Path: quotaPath + of + "/" + quotaLimitsName, ACL: open, Data: []byte("count=9,bytes=9")})
			}
			b.ReportAllocs()
			for b.Loop() {
				apply(SetData{Path: path, Version: -1})
			}
		})
	}
}
