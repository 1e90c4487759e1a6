package difftest

import (
	"github.com/mwqueue/mw/zkserver/wire"
)

// person chooses as whom a client connects.
func (g *generator) person() string {
	if g.profile != Secure {
		return ""
	}
	switch k := g.rng.IntN(100); {
	case k < 20:
		return ""
	case k < 30:
		return Nobody
	case k < 35:
		return SuperPerson
	}
	return People[g.rng.IntN(len(People)-1)].Name
}

// secure returns a request about who a client is, and what it may do.
func (g *generator) secure() Request {
	switch k := g.rng.IntN(100); {
	case k < 20:
		return g.request(wire.OpWhoAmI, &wire.Empty{})
	case k < 45:
		return g.request(wire.OpGetACL, &wire.PathRequest{Path: g.path()})
	case k < 80:
		return g.setACL()
	}
	auth := pick(g, nil, []byte{}, []byte("CN=ann"), []byte("x"))
	return g.request(wire.OpAuth, &wire.AuthRequest{Scheme: "x509", Auth: auth})
}

// name returns what an ACL of scheme x509 may name: somebody, or what is nobody's
// name, or no name at all.
func (g *generator) name() string {
	if g.chance(70) {
		return pick(g, People...).ID
	}
	return pick(g, "", "CN=nobody", "cn=ann", "CN=ann,O=x", "CN=ann, O=x", " CN = ann ", "CN=", "CN", "=ann", "ann", ",", "CN=ann,", ",CN=ann",
		"CN=ann+", "CN=ann+O=x", "CN=a;O=b", `CN=a\,b`, `CN=a\`, `CN=a\xb`, `CN=a\c3\a4`, `CN="a; b"`, `CN="a`, `CN="a" b`, `CN="a\"b" `, `CN=a"b`, `CN=a\c`, "CN=a=b", "CN=a<b", "CN=#0403616161",
		"CN=#04", "CN=#xy", "CN=#", "CN=#04036161", "CN=#048103616161", "CN=#04820003616161", "CN=#0480610000",
		"1.2.3=x", "OID.1.2.3=x", "1=x", "1..2=x", "9.9.9=x", "2.999=x", "3.1=x", "1.40=x", "XX=x", "S=x", "ST=x", "T=x", "EMAILADDRESS=a@b", "E=a@b", "DC=x", "UID=x",
		"SERIALNUMBER=1", "IP=1.2.3.4", "CN=ä", "CN=a\nb", "O=x,\nCN=a", "CN=a\x00")
}
