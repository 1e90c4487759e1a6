package zkshell

import (
	"slices"
	"strings"
)

// complete finishes the word that ends at the cursor: a command's name, or a path
// whose parent's children it asks for. It returns the text to put in place of the
// word, and what it could have been if that is not clear.
func complete(before string, children func(parent string) []string) (word, with string, candidates []string) {
	word = before[strings.LastIndexAny(before, " \t")+1:]
	if strings.TrimLeft(before, " \t") == word {
		return finish(word, "", names(), " ")
	}
	path := strings.TrimLeft(word, `"'`)
	if !strings.HasPrefix(path, "/") {
		return word, word, nil
	}
	slash := strings.LastIndexByte(path, '/')
	parent := path[:max(slash, 1)]
	found := children(parent)
	slices.Sort(found)
	lead := word[:len(word)-len(path)+slash+1]
	return finish(word, lead, found, "")
}

// finish picks from names what word, which begins with lead, can become.
func finish(word, lead string, names []string, after string) (string, string, []string) {
	start := word[len(lead):]
	var fits []string
	for _, n := range names {
		if strings.HasPrefix(n, start) {
			fits = append(fits, n)
		}
	}
	switch len(fits) {
	case 0:
		return word, word, nil
	case 1:
		return word, lead + fits[0] + after, nil
	}
	common := fits[0]
	for _, n := range fits[1:] {
		for !strings.HasPrefix(n, common) {
			common = common[:len(common)-1]
		}
	}
	return word, lead + strings.ToValidUTF8(common, ""), fits
}
