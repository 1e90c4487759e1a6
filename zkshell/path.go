package zkshell

import (
	"strings"
	"unicode/utf16"
)

// checkPath finds what Apache's client does not send: it counts in UTF-16, as the
// positions in its texts do.
func checkPath(path string) error {
	switch {
	case path == "":
		return failf("Path length must be > 0")
	case path[0] != '/':
		return failf("Path must start with / character")
	case path == "/":
		return nil
	case strings.HasSuffix(path, "/"):
		return failf("Path must not end with / character")
	}
	units := utf16.Encode([]rune(path))
	for i := 1; i < len(units); i++ {
		if reason := badUnit(units, i); reason != "" {
			return failf("Invalid path string \"%s\" caused by %s @%d", path, reason, i)
		}
	}
	return nil
}

// badUnit says what is wrong with the i-th unit of a path, if anything.
func badUnit(units []uint16, i int) string {
	c, last := units[i], units[i-1]
	ends := i+1 == len(units) || units[i+1] == '/'
	switch {
	case c == 0:
		return "null character not allowed"
	case c == '/' && last == '/':
		return "empty node name specified"
	case c == '.' && ends && (last == '/' || last == '.' && units[i-2] == '/'):
		return "relative paths not allowed"
	case c <= 0x1f, c >= 0x7f && c <= 0x9f, c >= 0xd800 && c <= 0xf8ff, c >= 0xfff0:
		return "invalid character"
	}
	return ""
}

// join returns the path of a child.
func join(parent, child string) string {
	if parent == "/" {
		return "/" + child
	}
	return parent + "/" + child
}
