package tree

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf16"
)

// A tape turns the fuzzer's bytes into operations. Past its end it reads zeros.
type tape []byte

func (b *tape) byte() byte {
	if len(*b) == 0 {
		return 0
	}
	c := (*b)[0]
	*b = (*b)[1:]
	return c
}

func (b *tape) string() string {
	n := min(int(b.byte()), len(*b))
	s := string((*b)[:n])
	*b = (*b)[n:]
	return s
}

func (b *tape) data() []byte {
	if c := b.byte(); c&1 == 0 {
		return nil
	}
	return []byte(b.string())
}

func (b *tape) acl() []ACL {
	if b.byte()&3 != 0 {
		return []ACL{{PermAll, "world", "anyone"}}
	}
	var acl []ACL
	for range b.byte() & 3 {
		acl = append(acl, ACL{Perms: int32(int8(b.byte())), Scheme: b.string(), ID: b.string()})
	}
	return acl
}

func (b *tape) auth() []ID {
	var ids []ID
	for range b.byte() & 3 {
		ids = append(ids, ID{Scheme: b.string(), ID: b.string()})
	}
	return ids
}

func (b *tape) op(depth int) Op {
	switch b.byte() % 9 {
	case 0, 1:
		return Create{Path: b.string(), Data: b.data(), ACL: b.acl(), Mode: Mode(b.byte()), TTL: int64(int8(b.byte()))}
	case 2:
		return Delete{Path: b.string(), Version: int32(int8(b.byte()))}
	case 3:
		return SetData{Path: b.string(), Data: b.data(), Version: int32(int8(b.byte()))}
	case 4:
		return SetACL{Path: b.string(), ACL: b.acl(), Version: int32(int8(b.byte()))}
	case 5:
		return Check{Path: b.string(), Version: int32(int8(b.byte()))}
	case 6:
		if depth > 2 {
			return nil
		}
		var ops []Op
		for range b.byte() & 7 {
			ops = append(ops, b.op(depth+1))
		}
		return Multi{Ops: ops}
	case 7:
		return CloseSession{}
	}
	return nil
}

// FuzzApply: no transaction panics, a failed one leaves no trace, and what is
// derived from the znodes stays right.
func FuzzApply(f *testing.F) {
	f.Add([]byte("\x00\x02/a\x00\x01\x00\x00\x00\x06\x02\x00\x04/a/b\x00\x01\x01\x00\x05\x02/x\xff"))
	f.Add([]byte("\x00\x0f/zookeeper/quota\x00\x01\x00\x00\x07\x02\x01/\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		tr := New()
		b := tape(in)
		for zxid := int64(1); len(b) > 0 && zxid < 100; zxid++ {
			digest := tr.Digest()
			txn := Txn{Zxid: zxid, Time: int64(b.byte()), Session: int64(int8(b.byte())), Auth: b.auth(), Op: b.op(0)}
			r := tr.Apply(txn)
			if r.Err != nil && (tr.Digest() != digest || len(r.Changes) > 0) {
				t.Fatalf("%+v: %v, but something changed", txn, r.Err)
			}
			for _, c := range r.Changes {
				c.Readable(txn.Auth)
				tr.Get(c.Path, txn.Auth)
				tr.ACL(c.Path, txn.Auth)
				tr.Children(c.Path, nil)
				tr.ChildrenNumber(c.Path, nil)
			}
		}
		checkInvariants(t, tr)
		reread(t, tr)
	})
}

// pathAsInJava is PathUtils.validatePath of the reference, by UTF-16 units.
func pathAsInJava(path string) bool {
	c := utf16.Encode([]rune(path))
	if len(c) == 0 || c[0] != '/' {
		return false
	}
	if len(c) == 1 {
		return true
	}
	if c[len(c)-1] == '/' {
		return false
	}
	for i := 1; i < len(c); i++ {
		last, end := c[i-1], i+1 == len(c) || c[i+1] == '/'
		switch {
		case c[i] == '/' && last == '/':
			return false
		case c[i] == '.' && last == '.' && c[i-2] == '/' && end:
			return false
		case c[i] == '.' && last == '/' && end:
			return false
		case c[i] <= 0x1f, 0x7f <= c[i] && c[i] <= 0x9f, 0xd800 <= c[i] && c[i] <= 0xf8ff, c[i] >= 0xfff0:
			return false
		}
	}
	return true
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"/", "", "/a", "/a/", "//", "/a/../b", "/..a", "/a..", "/...", "a", "/\x00", "/\xff", "/\U0001F600", "/./a"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		valid := validPath(path)
		if want := pathAsInJava(path); valid != want {
			t.Fatalf("validPath(%q) = %v, want %v", path, valid, want)
		}
		if parent, name, ok := split(path); valid && path != "/" {
			if !ok || strings.TrimSuffix(parent, "/")+"/"+name != path || !validPath(parent) {
				t.Fatalf("split(%q) = %q, %q, %v", path, parent, name, ok)
			}
		}
	})
}

// FuzzACL: what is accepted can be evaluated, and does not change when resolved
// again.
func FuzzACL(f *testing.F) {
	f.Add("ip", "192.0.2.0/24", "ip", "192.0.2.9")
	f.Add("ip", "2001:db8::/32", "ip", "::ffff:192.0.2.9")
	f.Add("ip", "::ffff:1.2.3.4/96", "ip", "1.2.3.4")
	f.Add("digest", "u:h", "digest", "u:h")
	f.Add("auth", "", "digest", "u:h")
	f.Add("world", "anyone", "super", "")
	f.Fuzz(func(t *testing.T, scheme, id, authScheme, authID string) {
		auth := []ID{{authScheme, authID}}
		acl, err := resolveACL([]ACL{{PermRead, scheme, id}, {PermRead, scheme, id}}, &Txn{Auth: auth})
		if err != nil {
			return
		}
		masked(acl)
		granted := allows(acl, PermRead, auth)
		if allows(acl, PermWrite, auth) && authScheme != "super" {
			t.Error("granted what is not in the list")
		}
		switch {
		case scheme == "world", scheme == "auth", scheme == authScheme && id == authID && scheme == "digest":
			if !granted {
				t.Error("not granted")
			}
		case scheme != authScheme && authScheme != "super" && granted:
			t.Error("granted to another scheme")
		}
		if addr, err := netip.ParseAddr(id); err == nil && scheme == "ip" && authScheme == "ip" {
			if other, err := netip.ParseAddr(authID); err == nil && granted != (addr.Unmap() == other.Unmap()) {
				t.Errorf("%q granted to %q: %v", id, authID, granted)
			}
		}
		if scheme == "auth" { // an identity is the server's to make well
			return
		}
		if again, err := resolveACL(acl, &Txn{}); err != nil || len(again) != len(acl) {
			t.Errorf("resolved again: %v, %v", again, err)
		}
	})
}
