package zkserver

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// An ACL of scheme x509 names the subject of a certificate as text. What is a name
// is what Java's javax.security.auth.x500.X500Principal takes: RFC 2253 and RFC 1779
// together, with attributes that have no keyword as numbers.
//
//	name      = "" / part *(("," / ";") part)
//	part      = attribute *("+" attribute)
//	attribute = keyword "=" value
//	value     = text with \ before what is special / "quoted" / #hex of a DER value
//
// It decides nothing that is in a log: see prepare.go.

// nameKeywords are the attributes that need not be written as numbers.
var nameKeywords = []string{
	"CN", "C", "L", "S", "ST", "O", "OU", "T", "IP", "STREET", "DC", "DNQUALIFIER", "DNQ", "SURNAME", "GIVENNAME", "INITIALS",
	"GENERATION", "EMAIL", "EMAILADDRESS", "UID", "SERIALNUMBER",
}

// validName reports whether id is a name.
func validName(id string) bool {
	if id == "" {
		return true
	}
	for _, part := range splitName(id, ",;") {
		for _, attribute := range splitName(part, "+") {
			if !validAttribute(attribute) {
				return false
			}
		}
	}
	return true
}

// splitName cuts s at separators that are neither quoted nor escaped.
func splitName(s, separators string) (parts []string) {
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(separators, s[i]) >= 0:
			parts, begin = append(parts, s[begin:i]), i+1
		}
	}
	return append(parts, s[begin:])
}

func validAttribute(s string) bool {
	keyword, value, ok := strings.Cut(s, "=")
	if !ok || !validKeyword(strings.ToUpper(strings.TrimFunc(keyword, func(r rune) bool { return r <= ' ' }))) {
		return false
	}
	value = strings.TrimLeft(value, " \n")
	switch {
	case strings.HasPrefix(value, "#"):
		return validHex(strings.TrimRight(value[1:], " \n"))
	case strings.HasPrefix(value, `"`):
		return validQuoted(value[1:])
	}
	end, ok := unescaped(value, ",=\n+<>#;\\\" ", ",+<>;\"")
	return ok && end == len(value)
}

// validKeyword wants a keyword in capitals, or the numbers of an attribute.
func validKeyword(k string) bool {
	if slices.Contains(nameKeywords, k) {
		return true
	}
	numbers := strings.Split(strings.TrimPrefix(k, "OID."), ".")
	for _, n := range numbers {
		if strings.Trim(n, "0123456789") != "" || n == "" {
			return false
		}
	}
	if len(numbers) < 2 {
		return false
	}
	first, err := strconv.Atoi(numbers[0])
	second, err2 := strconv.Atoi(numbers[1])
	return err == nil && (first == 2 || first < 2 && err2 == nil && second < 40)
}

// unescaped returns where s ends or one of stops comes that is not escaped. It is
// false when the character there may not stand so, or a \ is before what it may not be:
// that is one of special, or two hexadecimal digits.
func unescaped(s, special, stops string) (end int, ok bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			if strings.IndexByte(stops, s[i]) >= 0 {
				return i, true
			}
		case i+2 < len(s) && isHex(s[i+1:i+3]):
			i += 2
		case i+1 < len(s) && strings.IndexByte(special, s[i+1]) >= 0:
			i++
		default:
			return i, false
		}
	}
	return len(s), true
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// validQuoted wants s, which has begun with a quote, to have one more, and nothing
// behind it.
func validQuoted(s string) bool {
	end, ok := unescaped(s, ",=\n+<>#;\\\"", `"`)
	return ok && end < len(s) && strings.Trim(s[end+1:], " \n") == ""
}

// validHex wants one DER value.
func validHex(s string) bool {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) < 2 {
		return false
	}
	size, rest := int(b[1]), b[2:]
	if size >= 0x80 { // that many bytes have the length
		n := size & 0x7f
		if n == 0 || n > 4 || n > len(rest) {
			return false
		}
		size = 0
		for _, c := range rest[:n] {
			size = size<<8 | int(c)
		}
		rest = rest[n:]
	}
	return size == len(rest)
}
