package zkserver_test

import (
	"crypto/x509/pkix"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwqueue/mw/zkserver/certs/certstest"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

func TestCertificatesOpenWhatTheirACLsProtect(t *testing.T) {
	ca := certstest.NewIssuer(t, "ca")
	cfg := secured(t, ca)
	cfg.SuperX509 = "CN=root"
	s := run(t, cfg)
	connect := func(name string) *client {
		t.Helper()
		c, err := dialTLS(t, s.TLSAddr(), ca, issue(t, ca, pkix.Name{CommonName: name}))
		if err != nil {
			t.Fatal(err)
		}
		if !c.handshake(wire.ConnectRequest{TimeoutMillis: 10_000}) {
			t.Fatal("no session")
		}
		return c
	}
	ann, bob, root := connect("ann"), connect("bob"), connect("root")
	ann.create("/a", "", 0)
	ann.setACL("/a", wire.ACL{Perms: wire.PermAll, Scheme: "auth"})
	var out wire.GetACLResponse
	ann.do(wire.OpGetACL, &wire.PathRequest{Path: "/a"}, &out)
	if len(out.ACL) != 1 || out.ACL[0] != (wire.ACL{Perms: wire.PermAll, Scheme: "x509", ID: "CN=ann"}) {
		t.Errorf("auth became %v", out.ACL)
	}
	if _, _, code := bob.get("/a", false); code != wire.NoAuth {
		t.Errorf("another certificate reads: %v, want no auth", code)
	}
	ann.setACL("/a", wire.ACL{Perms: wire.PermRead, Scheme: "x509", ID: "CN=bob"})
	if _, _, code := bob.get("/a", false); code != wire.OK {
		t.Errorf("the one in the ACL reads: %v", code)
	}
	root.set("/a", "all mine")

	// Who asks for what the certificate proves has it already, and a super user has no
	// name: so say Apache ZooKeeper's servers.
	if r := ann.auth("x509", "anything"); r.Err != wire.OK {
		t.Errorf("auth of scheme x509 with a certificate: %v", r.Err)
	}
	var who wire.WhoAmIResponse
	root.do(wire.OpWhoAmI, &wire.Empty{}, &who)
	want := []wire.ID{{Scheme: "ip", ID: "127.0.0.1"}, {Scheme: "super"}, {Scheme: "x509", ID: "CN=root"}}
	if diff := cmp.Diff(want, who.IDs); diff != "" {
		t.Errorf("whoAmI (-want +got):\n%s", diff)
	}
}

func TestX509ACLsAreInvalidWithoutCertificates(t *testing.T) {
	c := connect(t, zktest.NewServer(t))
	r := c.do(wire.OpSetACL, &wire.SetACLRequest{Path: "/", ACL: []wire.ACL{{Perms: 31, Scheme: "x509", ID: "CN=ann"}}, Version: -1}, nil)
	if r.Err != wire.InvalidACL {
		t.Errorf("setACL: %v, want invalid acl", r.Err)
	}
}
