package zkshell

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mwqueue/mw/zkserver/wire"
)

// permLetters in the order that zkCli shows them.
var permLetters = []struct {
	letter byte
	perm   int32
}{{'c', wire.PermCreate}, {'d', wire.PermDelete}, {'r', wire.PermRead}, {'w', wire.PermWrite}, {'a', wire.PermAdmin}}

// parseACL reads scheme:id:perms, separated by commas. What it cannot read it names
// on warn and leaves out.
func parseACL(text string, warn io.Writer) []wire.ACL {
	var acl []wire.ACL
	for _, each := range strings.Split(strings.TrimRight(text, ","), ",") {
		first, last := strings.IndexByte(each, ':'), strings.LastIndexByte(each, ':')
		if first == last {
			fmt.Fprintf(warn, "%s does not have the form scheme:id:perm\n", each)
			continue
		}
		acl = append(acl, wire.ACL{Scheme: each[:first], ID: each[first+1 : last], Perms: parsePerms(each[last+1:], warn)})
	}
	return acl
}

func parsePerms(text string, warn io.Writer) (perms int32) {
next:
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		letter := text[:size]
		text = text[size:]
		for _, p := range permLetters {
			if r == rune(p.letter) {
				perms |= p.perm
				continue next
			}
		}
		fmt.Fprintf(warn, "Unknown perm type: %s\n", letter)
	}
	return perms
}

func formatPerms(perms int32) string {
	var b []byte
	for _, p := range permLetters {
		if perms&p.perm != 0 {
			b = append(b, p.letter)
		}
	}
	return string(b)
}

// formatACL is an ACL in the two lines zkCli prints.
func formatACL(a wire.ACL) string {
	return fmt.Sprintf("'%s,'%s\n: %s\n", a.Scheme, a.ID, formatPerms(a.Perms))
}
