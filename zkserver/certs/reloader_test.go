package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// selfSigned makes a certificate with its key, valid for a day from now on.
func selfSigned(t *testing.T, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
}

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
	write(selfSigned(t, "one"))
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
	write(selfSigned(t, "two"))
	now = now.Add(-lookPeriod / 2)
	serving("one") // too early to look
	now = now.Add(lookPeriod / 2)
	serving("two")
}
