package zkserver_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// auth sends an auth request and returns its reply.
func (c *client) auth(scheme, secret string) reply {
	c.t.Helper()
	c.write(frame(&wire.RequestHeader{Xid: wire.XidAuth, Op: wire.OpAuth},
		&wire.AuthRequest{Scheme: scheme, Auth: []byte(secret)}))
	return c.reply()
}

func (c *client) setACL(path string, acl ...wire.ACL) {
	c.t.Helper()
	if r := c.do(wire.OpSetACL, &wire.SetACLRequest{Path: path, ACL: acl, Version: -1}, nil); r.Err != wire.OK {
		c.t.Fatalf("setACL %s: %v", path, r.Err)
	}
}

func TestDigestIdentityOpensWhatItsACLProtects(t *testing.T) {
	s := zktest.NewServer(t)
	alice := connect(t, s)
	if r := alice.auth("digest", "alice:secret"); r.Err != wire.OK || r.Xid != wire.XidAuth || r.Zxid != 0 {
		t.Fatalf("auth: %+v, want ok with xid -4 and zxid 0", r.ReplyHeader)
	}
	alice.create("/a", "mine", 0)
	alice.setACL("/a", wire.ACL{Perms: wire.PermAll, Scheme: "auth"})

	var out wire.GetACLResponse
	alice.do(wire.OpGetACL, &wire.PathRequest{Path: "/a"}, &out)
	// printf alice:secret | openssl sha1 -binary | base64
	want := []wire.ACL{{Perms: wire.PermAll, Scheme: "digest", ID: "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E="}}
	if diff := cmp.Diff(want, out.ACL); diff != "" {
		t.Errorf("getACL (-want +got):\n%s", diff)
	}

	bob := connect(t, s)
	if _, _, code := bob.get("/a", false); code != wire.NoAuth {
		t.Errorf("a stranger reads: %v, want no auth", code)
	}
	bob.auth("digest", "alice:wrong")
	if _, _, code := bob.get("/a", false); code != wire.NoAuth {
		t.Errorf("a wrong password reads: %v, want no auth", code)
	}
	bob.auth("digest", "alice:secret")
	if data, _, code := bob.get("/a", false); code != wire.OK || data != "mine" {
		t.Errorf("the right password reads: %q, %v", data, code)
	}
}

func TestIdentitiesBelongToTheConnection(t *testing.T) {
	s := zktest.NewServer(t)
	old := connect(t, s)
	old.auth("digest", "alice:secret")
	old.create("/a", "", 0)
	old.setACL("/a", wire.ACL{Perms: wire.PermAll, Scheme: "auth"})
	c, _ := reconnect(t, s, old)
	if _, _, code := c.get("/a", false); code != wire.NoAuth {
		t.Errorf("get on the second connection: %v, want no auth", code)
	}
}

func TestWhoAmIHidesSecrets(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	c.auth("digest", "alice:secret")
	c.auth("digest", "alice:secret") // again: nothing new
	c.auth("ip", "")
	var out wire.WhoAmIResponse
	c.do(wire.OpWhoAmI, &wire.Empty{}, &out)
	want := []wire.ID{{Scheme: "ip", ID: "127.0.0.1"}, {Scheme: "digest", ID: "alice"}}
	if diff := cmp.Diff(want, out.IDs); diff != "" {
		t.Errorf("whoAmI (-want +got):\n%s", diff)
	}
}

func TestRefusedAuthEndsTheConnection(t *testing.T) {
	s := zktest.NewServer(t)
	for _, scheme := range []string{"world", "sasl", "no such", ""} {
		c := connect(t, s)
		if r := c.auth(scheme, "anyone"); r.Err != wire.AuthFailed || r.Xid != wire.XidAuth {
			t.Errorf("auth %q: %+v, want auth failed", scheme, r.ReplyHeader)
		}
		c.closed()
	}
}

func TestTooManyIdentitiesEndTheConnection(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	for i := range 100 {
		if r := c.auth("digest", fmt.Sprintf("user%d:x", i)); r.Err != wire.OK {
			if i < 60 {
				t.Errorf("identity %d is refused: %v", i, r.Err)
			}
			c.closed()
			return
		}
	}
	t.Error("100 identities and no end")
}

// Each identity is in each write of the connection, and so in the log.
func TestLongIdentitiesEndTheConnection(t *testing.T) {
	s := zktest.NewServer(t)
	for name, users := range map[string][]string{
		"one of a megabyte": {strings.Repeat("u", 1<<20-100)},
		"one of 300 bytes":  {strings.Repeat("u", 300)},
		"40 of 200 bytes":   longUsers(40, 200),
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, s)
			for _, user := range users {
				r := c.auth("digest", user+":x")
				if r.Err == wire.AuthFailed {
					c.closed()
					return
				}
				if len(user) > 256 || r.Err != wire.OK {
					t.Fatalf("auth of %d bytes: %v", len(user), r.Err)
				}
			}
			t.Error("no identity was refused")
		})
	}
}

func longUsers(n, size int) (users []string) {
	for i := range n {
		users = append(users, fmt.Sprintf("%0*d", size, i))
	}
	return users
}

func TestSuperUserMayDoEverything(t *testing.T) {
	s := zktest.NewServer(t, func(cfg *zkserver.Config) { cfg.SuperDigest = digestOf("super:pw") })
	owner := connect(t, s)
	owner.create("/a", "mine", 0)
	owner.setACL("/a", wire.ACL{Perms: wire.PermRead, Scheme: "digest", ID: "alice:x"})

	c := connect(t, s)
	c.auth("digest", "super:wrong")
	if _, _, code := c.get("/a", false); code != wire.NoAuth {
		t.Errorf("get with a wrong password: %v, want no auth", code)
	}
	c.auth("digest", "super:pw")
	c.set("/a", "ours")
	c.set("/zookeeper/config", "server.1=…")
	var out wire.GetACLResponse
	c.do(wire.OpGetACL, &wire.PathRequest{Path: "/a"}, &out)
	if len(out.ACL) != 1 || out.ACL[0].ID != "alice:x" {
		t.Errorf("getACL = %v", out.ACL)
	}
	var who wire.WhoAmIResponse
	c.do(wire.OpWhoAmI, &wire.Empty{}, &who)
	want := []wire.ID{{Scheme: "ip", ID: "127.0.0.1"}, {Scheme: "digest", ID: "super"}, {Scheme: "super"}, {Scheme: "digest", ID: "super"}}
	if diff := cmp.Diff(want, who.IDs); diff != "" {
		t.Errorf("whoAmI (-want +got):\n%s", diff)
	}
}

func TestNobodyIsSuperByName(t *testing.T) {
	s := zktest.NewServer(t)
	for _, scheme := range []string{"super", "x509", "world", "sasl", ""} {
		c := connect(t, s)
		if r := c.auth(scheme, "super:pw"); r.Err != wire.AuthFailed {
			t.Errorf("auth %q: %v, want auth failed", scheme, r.Err)
		}
		c.closed()
	}
	c := connect(t, s)
	c.auth("digest", "")
	if _, _, code := c.get("/", false); code != wire.OK {
		t.Errorf("get after an empty digest: %v", code)
	}
	c.write(frame(&wire.RequestHeader{Xid: wire.XidAuth, Op: wire.OpAuth}, &wire.AuthRequest{Scheme: "digest"}))
	if r := c.reply(); r.Err != wire.AuthFailed {
		t.Errorf("auth with null: %v, want auth failed", r.Err)
	}
}

func digestOf(secret string) string {
	user, _, _ := strings.Cut(secret, ":")
	sum := sha1.Sum([]byte(secret))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}
