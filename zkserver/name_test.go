package zkserver

import "testing"

// What is a name and what is none, as javax.security.auth.x500.X500Principal has it
// (OpenJDK 17, asked by way of Apache ZooKeeper).
func TestNamesAreThoseOfX500Principal(t *testing.T) {
	for _, name := range []string{
		"", "CN=ann", "cn = ann", "CN=", "CN=ann, O=x", "CN=a;O=b", "CN=ann+O=x", `CN=a\,b`, `CN=a\c3\a4`, `CN="a, b"`, `CN="a\"b" `, "CN=a=b", "CN=ä", "CN=a\nb",
		"CN=#0403616161", "CN=#048103616161", "CN=#04820003616161", "1.2.3=x", "OID.1.2.3=x", "T=x", "EMAILADDRESS=a@b", "2.999=x", `CN=\ \ x\ `,
	} {
		if !validName(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{
		"ann", "CN", "=ann", ",", "CN=ann,", ",CN=ann", "CN=ann+", `CN=a\`, `CN=a\xb`, `CN=a\c`, `CN="a`, `CN="a" b`, "CN=a<b", `CN=a"b`, "CN=#", "CN=#04", "CN=#xy",
		"CN=#04036161", "E=x", "XX=x", "1=x", "1..2=x", "3.1=x", "1.40=x",
	} {
		if validName(name) {
			t.Errorf("%q is taken", name)
		}
	}
}
