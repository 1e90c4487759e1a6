package difftest

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"time"
)

// A Server is where one of the servers under test is reached.
type Server struct {
	Addr string // "host:port" of connections without TLS

	// Secure is the same for TLS, "" for a server that has none; one that does
	// has [SuperPerson] as its super user. TLS is the client's side of a connection
	// with the certificate of a [Person], and with none for [Nobody].
	Secure string
	TLS    func(person string) *tls.Config
}

// Nobody, in the place of a [Person], is TLS without a certificate of the client's.
const Nobody = "nobody"

// SuperPerson is the one who may do everything.
const SuperPerson = "root"

// dial connects as a person, "" for a connection without TLS.
func (s Server) dial(person string) (*conn, error) {
	dialer := &net.Dialer{Timeout: patience}
	if person == "" {
		nc, err := dialer.Dial("tcp", s.Addr)
		if err != nil {
			return nil, fmt.Errorf("difftest: connect: %w", err)
		}
		return &conn{nc: nc}, nil
	}
	nc, err := tls.DialWithDialer(dialer, "tcp", s.Secure, s.TLS(person))
	if err != nil {
		return nil, fmt.Errorf("difftest: connect as %s: %w", person, err)
	}
	nc.SetDeadline(time.Time{})
	return &conn{nc: nc}, nil
}

// keeperPerson is as whom the keeper connects: as one who may do everything, if
// there is.
func (s Server) keeperPerson() string {
	if s.Secure == "" {
		return ""
	}
	return SuperPerson
}

// A Person is a client with a certificate.
type Person struct {
	Name    string
	Subject pkix.RDNSequence // of the certificate
	ID      string           // the same, as an ACL of scheme x509 names it
}

// People are all of them. Their names have what makes names hard: parts with
// several attributes, characters that are escaped, attributes without a keyword.
var People = []Person{
	{Name: "ann", Subject: pkix.RDNSequence{{{Type: commonName, Value: "ann"}}}, ID: "CN=ann"},
	{Name: "bob", ID: `CN=bob+UID=b7,OU=ops,O=Example\, Inc.,C=DE`, Subject: pkix.RDNSequence{
		{{Type: country, Value: "DE"}}, {{Type: organization, Value: "Example, Inc."}}, {{Type: unit, Value: "ops"}},
		{{Type: commonName, Value: "bob"}, {Type: userID, Value: "b7"}},
	}},
	{Name: "odd", ID: `1.2.840.113549.1.9.1=#16036f4078,CN=\ \ \#ö\"\ \ `, Subject: pkix.RDNSequence{
		{{Type: commonName, Value: `  #ö"  `}},
		{{Type: email, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("o@x")}}},
	}},
	{Name: SuperPerson, Subject: pkix.RDNSequence{{{Type: commonName, Value: "root"}}}, ID: "CN=root"},
}

var (
	commonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	country      = asn1.ObjectIdentifier{2, 5, 4, 6}
	organization = asn1.ObjectIdentifier{2, 5, 4, 10}
	unit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	userID       = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	email        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)
