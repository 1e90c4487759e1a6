package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync/atomic"
	"time"
)

// T is what ends a test: a testing.TB, or the TestScript of a script.
type T interface {
	Fatalf(format string, args ...any)
}

// An Issuer signs certificates: a CA.
type Issuer struct {
	Cert *x509.Certificate

	key    *ecdsa.PrivateKey
	serial atomic.Int64
}

// NewIssuer makes a CA of that common name, which signs itself.
func NewIssuer(t T, name string) *Issuer {
	i := &Issuer{}
	template := x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	made := i.sign(t, template)
	i.Cert, i.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey)
	return i
}

// Issue makes a certificate with a key of its own. The template says whose it is,
// for which addresses and names, and what for if it is not for both ends of a
// connection; the rest is filled in.
func (i *Issuer) Issue(t T, template x509.Certificate) tls.Certificate {
	template.KeyUsage = x509.KeyUsageDigitalSignature
	if template.ExtKeyUsage == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	return i.sign(t, template)
}

// sign makes a certificate. The issuer's own comes first.
func (i *Issuer) sign(t T, template x509.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("certstest: make a key: %v", err)
	}
	template.SerialNumber = big.NewInt(i.serial.Add(1))
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.Add(24 * time.Hour)
	parent, signer := i.Cert, i.key
	if parent == nil {
		parent, signer = &template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatalf("certstest: sign: %v", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("certstest: read what was signed: %v", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Pool has the issuer alone.
func (i *Issuer) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.Cert)
	return pool
}

// PEM is the issuer's certificate as a file has it.
func (i *Issuer) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Cert.Raw})
}

// PEM is a certificate and its key in one text, as a file has them.
func PEM(t T, c tls.Certificate) []byte {
	secret, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatalf("certstest: write a key: %v", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Leaf.Raw})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
}

// Named is the template of a certificate with that common name.
func Named(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}}
}

// Server is the template of one that is good for 127.0.0.1, too.
func Server(name string) x509.Certificate {
	c := Named(name)
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	return c
}
