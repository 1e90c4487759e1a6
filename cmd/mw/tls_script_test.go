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
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certsCommand makes certificates as makeCerts does: certs NAME
func certsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certs NAME")
	}
	makeCerts(ts.MkAbs(args[0]), func(err error) { ts.Check(err) })
}

// makeCerts makes a CA, NAME-ca.pem, and from it certificates with their keys:
// NAME-server.pem for the address 127.0.0.1, NAME-client.pem, and NAME-elsewhere.pem
// for a server of another name. check is told of each error, and of nil.
func makeCerts(name string, check func(error)) {
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: filepath.Base(name)}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	put := func(part string, blocks ...pem.Block) {
		var text []byte
		for i := range blocks {
			text = append(text, pem.EncodeToMemory(&blocks[i])...)
		}
		check(os.WriteFile(name+"-"+part+".pem", text, 0o600))
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	check(err)
	put("ca", pem.Block{Type: "CERTIFICATE", Bytes: der})
	for i, part := range []string{"server", "client", "elsewhere"} {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: part}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if part == "server" {
			leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		} else {
			leaf.DNSNames = []string{part + ".example"}
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &own.PublicKey, key)
		check(err)
		secret, err := x509.MarshalPKCS8PrivateKey(own)
		check(err)
		put(part, pem.Block{Type: "CERTIFICATE", Bytes: der}, pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	}
}
