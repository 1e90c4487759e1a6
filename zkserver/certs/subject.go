package certs

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// subjectKeywords are the attributes that RFC 2253 has names for. X500Principal,
// by whose names ACLs of the scheme x509 go, writes all others as numbers.
var subjectKeywords = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
	"2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

var errSubject = errors.New("certs: subject of a certificate does not decode")

// Subject writes the subject of a certificate, given as DER, in the form of
// RFC 2253, which begins with the most special part: "CN=ann,OU=ops,O=example".
// ACLs of the scheme x509 name clients by it. The error is one of decoding.
func Subject(der []byte) (string, error) {
	var raw []asn1.RawValue // sets of attributes
	if rest, err := asn1.Unmarshal(der, &raw); err != nil || len(rest) > 0 {
		return "", errSubject
	}
	var parts []string
	for _, set := range slices.Backward(raw) {
		var attributes []rawAttribute
		if rest, err := asn1.UnmarshalWithParams(set.FullBytes, &attributes, "set"); err != nil || len(rest) > 0 {
			return "", errSubject
		}
		var names []string
		for _, a := range attributes {
			names = append(names, a.String())
		}
		parts = append(parts, strings.Join(names, "+"))
	}
	return strings.Join(parts, ","), nil
}

// rawAttribute is [pkix.AttributeTypeAndValue] with the value as it came.
type rawAttribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

func (a rawAttribute) String() string {
	oid := a.Type.String()
	var value pkix.AttributeTypeAndValue
	whole, err := asn1.Marshal(a)
	if err == nil {
		_, err = asn1.Unmarshal(whole, &value)
	}
	text, isText := value.Value.(string)
	keyword, known := subjectKeywords[oid]
	if !known || err != nil || !isText {
		if known {
			oid = keyword
		}
		return fmt.Sprintf("%s=#%s", oid, hex.EncodeToString(a.Value.FullBytes))
	}
	return keyword + "=" + escapeName(text)
}

// escapeName escapes a value as X500Principal does, which is more than RFC 2253
// wants: every blank at either end.
func escapeName(s string) string {
	const blanks = " \r"
	head := len(s) - len(strings.TrimLeft(s, blanks))
	tail := len(strings.TrimRight(s, blanks))
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == 0:
			b.WriteString(`\00`)
			continue
		case strings.ContainsRune(`,=+<>#;"\`, c), i < head, i >= tail:
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
