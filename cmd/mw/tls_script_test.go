package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certs makes a CA, NAME-ca.pem, and from it certificates with their keys:
// NAME-server.pem for the address 127.0.0.1, NAME-client.pem, and NAME-elsewhere.pem
// for a server of another name: certs NAME
func certs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certs NAME")
	}
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[0]}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	put := func(name string, blocks ...pem.Block) {
		var text []byte
		for i := range blocks {
			text = append(text, pem.EncodeToMemory(&blocks[i])...)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+"-"+name+".pem"), text, 0o600))
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	ts.Check(err)
	put("ca", pem.Block{Type: "CERTIFICATE", Bytes: der})
	for i, name := range []string{"server", "client", "elsewhere"} {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: name}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if name == "server" {
			leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		} else {
			leaf.DNSNames = []string{name + ".example"}
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &own.PublicKey, key)
		ts.Check(err)
		secret, err := x509.MarshalPKCS8PrivateKey(own)
		ts.Check(err)
		put(name, pem.Block{Type: "CERTIFICATE", Bytes: der}, pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	}
}
