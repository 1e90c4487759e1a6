package zkserver

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// checkFiles is how long a change of the files of TLS may go unnoticed. They are
// looked at when a client connects, so nothing runs for it.
const checkFiles = time.Second

// keys are the certificates in use. They follow the files.
type keys struct {
	cfg TLS
	log zerolog.Logger

	mu      sync.Mutex // protects the fields below
	config  *tls.Config
	stamps  [3]stamp // of Cert, Key and CA when config, or what failed, was read
	checked time.Time
}

// A stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(name string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// openKeys reads the files for the first time.
func openKeys(cfg TLS, log zerolog.Logger) (*keys, error) {
	k := &keys{cfg: cfg, log: log, checked: time.Now()}
	k.stamps = k.look()
	var err error
	k.config, err = k.read()
	return k, err
}

func (k *keys) look() [3]stamp {
	return [3]stamp{stampOf(k.cfg.Cert), stampOf(k.cfg.Key), stampOf(k.cfg.CA)}
}

// base is what a handshake begins with.
func (k *keys) base() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.current(time.Now()), nil }}
}

// current is what the files have. While they change it may be what they had.
func (k *keys) current(now time.Time) *tls.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.checked) < checkFiles {
		return k.config
	}
	k.checked = now
	stamps := k.look()
	if stamps == k.stamps {
		return k.config
	}
	k.stamps = stamps
	config, err := k.read()
	if err != nil {
		k.log.Warn().Err(err).Msg("changed certificates are no good, those before stay in use")
		return k.config
	}
	k.config = config
	k.log.Info().Str("path", k.cfg.Cert).Msg("changed certificates in use")
	return k.config
}

// read makes a configuration of the files.
func (k *keys) read() (*tls.Config, error) {
	pair, err := ReadKeyPair(k.cfg.Cert, k.cfg.Key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   k.cfg.ClientAuth,
		MinVersion:   k.cfg.MinVersion,
		MaxVersion:   k.cfg.MaxVersion,
		CipherSuites: k.cfg.CipherSuites,
	}
	if k.cfg.CA != "" {
		if config.ClientCAs, err = ReadCAs(k.cfg.CA); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// ReadKeyPair reads certificates, the own one first, and their key from PEM files,
// which may be one. The error says what to do about a file of another kind. It is
// for clients, too.
func ReadKeyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("zkserver: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("zkserver: %w", err)
	}
	if err := vetKey(keyFile, key); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("zkserver: certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// ReadCAs reads the certificates that others must come from, from a PEM file, as
// ReadKeyPair does.
func ReadCAs(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("zkserver: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("zkserver: CA %s: %s", file, noPEM(text))
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
			return fmt.Errorf("zkserver: key %s has a password: take it off with openssl pkey -in %s -out NEW", name, name)
		}
	}
	if !found {
		return fmt.Errorf("zkserver: key %s: %s", name, noPEM(text))
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
