package certs

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver/certs/certstest"
)

func TestCertificatesFollowTheirFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "server.pem")
	version := 0
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		version++ // a file system may be too coarse to tell two writes apart
		at := time.Unix(int64(1_000_000+version), 0)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	ca := certstest.NewIssuer(t, "ca")
	issue := func(name string) []byte { return certstest.PEM(t, ca.Issue(t, certstest.Named(name))) }
	write(issue("one"))
	k, err := Open(Files{Cert: name, Key: name}, new(tls.Config), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	serving := func(want string) {
		t.Helper()
		now = now.Add(lookPeriod)
		leaf, err := x509.ParseCertificate(k.Current(now).Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := leaf.Subject.CommonName; got != want {
			t.Errorf("the certificate of %s is served, want that of %s", got, want)
		}
	}
	serving("one")
	write([]byte("half a file"))
	serving("one")
	serving("one") // and it is not read again and again
	os.Remove(name)
	serving("one")
	write(issue("two"))
	now = now.Add(-lookPeriod / 2)
	serving("one") // too early to look
	now = now.Add(lookPeriod / 2)
	serving("two")
}
