package zkshell

import "regexp"

// word is what zkCli takes for a word: anything that does not begin with a quote
// up to the next space, or a quoted text. A quote inside a word is part of it, and
// one that is never closed is skipped.
var word = regexp.MustCompile(`[ \t\n\x0b\f\r]*([^"'][^ \t\n\x0b\f\r]*|"[^"]*"|'[^']*')[ \t\n\x0b\f\r]*`)

// Split breaks a line into words. Quotes around a word are taken off; there is no
// way to write both kinds of quote in one word, and no escape.
func Split(line string) []string {
	var words []string
	for _, m := range word.FindAllStringSubmatch(line, -1) {
		w := m[1]
		if n := len(w); n >= 2 && (w[0] == '"' || w[0] == '\'') && w[n-1] == w[0] {
			w = w[1 : n-1]
		}
		words = append(words, w)
	}
	return words
}
