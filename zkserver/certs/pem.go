package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

// ReadKeyPair reads certificates, the own one first, and their key from PEM files,
// which may be one. The error says what to do about a file of another kind.
func ReadKeyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certs: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certs: %w", err)
	}
	if err := vetKey(keyFile, key); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certs: certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// ReadCAs reads the certificates that others must come from, from a PEM file, as
// ReadKeyPair does.
func ReadCAs(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certs: CA %s: %s", file, noPEM(text))
	}
	return pool, nil
}

// vetKey says what is wrong with a key file where package tls would only say
// that it does not parse.
func vetKey(name string, text []byte) error {
	found := false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		found = true
		if strings.Contains(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return fmt.Errorf("certs: key %s has a password: take it off with openssl pkey -in %s -out NEW", name, name)
		}
	}
	if !found {
		return fmt.Errorf("certs: key %s: %s", name, noPEM(text))
	}
	return nil
}

// noPEM says what a file is that has no PEM blocks of the right kind.
func noPEM(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return "it is a Java key store, must be PEM: keytool -importkeystore -deststoretype PKCS12 and openssl pkcs12 -nodes convert it"
	case len(text) > 0 && text[0] == 0x30:
		return "it is DER or PKCS12, must be PEM: openssl pkcs12 -nodes converts it"
	}
	return "it has nothing in PEM form that is of use"
}
