package certs

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// lookPeriod is how long a change of the files may go unnoticed. They are looked
// at when a connection is made, so nothing runs for it.
const lookPeriod = time.Second

// Files name what one end of TLS is configured with, in PEM form.
type Files struct {
	// Cert has the end's certificates, its own first, and Key its key; they may
	// be one file.
	Cert, Key string

	// CA has the certificates that those of the other end must come from; "" for
	// none.
	CA string
}

// A Reloader has the certificates in use. They follow the files: as long as what
// is in them is no good, what was read before stays in use. Its methods may be
// called from any goroutine.
type Reloader struct {
	files Files
	base  *tls.Config
	log   zerolog.Logger

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

// Open reads the files for the first time. What is to be said of TLS beside the
// certificates is in base, which must not be changed after.
func Open(files Files, base *tls.Config, log zerolog.Logger) (*Reloader, error) {
	r := &Reloader{files: files, base: base, log: log, checked: time.Now()}
	r.stamps = r.look()
	var err error
	r.config, err = r.read()
	return r, err
}

func (r *Reloader) look() [3]stamp {
	return [3]stamp{stampOf(r.files.Cert), stampOf(r.files.Key), stampOf(r.files.CA)}
}

// Server is what the handshakes of a server begin with: each has the certificates
// of its time.
func (r *Reloader) Server() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.Current(time.Now()), nil }}
}

// Current is what the files have; while they change it may be what they had. The
// certificates of CA are its ClientCAs. It belongs to the Reloader: clone it to
// change it.
func (r *Reloader) Current(now time.Time) *tls.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.checked) < lookPeriod {
		return r.config
	}
	r.checked = now
	stamps := r.look()
	if stamps == r.stamps {
		return r.config
	}
	r.stamps = stamps
	config, err := r.read()
	if err != nil {
		r.log.Warn().Err(err).Msg("changed certificates are no good, those before stay in use")
		return r.config
	}
	r.config = config
	r.log.Info().Str("path", r.files.Cert).Msg("changed certificates in use")
	return r.config
}

// read makes a configuration of the files.
func (r *Reloader) read() (*tls.Config, error) {
	pair, err := ReadKeyPair(r.files.Cert, r.files.Key)
	if err != nil {
		return nil, err
	}
	config := r.base.Clone()
	config.Certificates = []tls.Certificate{pair}
	if r.files.CA != "" {
		if config.ClientCAs, err = ReadCAs(r.files.CA); err != nil {
			return nil, err
		}
	}
	return config, nil
}
