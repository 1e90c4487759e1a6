package zoocfg

import "strings"

// Mask gives the text of a zoo.cfg to be shown: in place of the values of keys
// that are secrets, by their names, it has stars. That goes for such a key behind
// a comment sign, too, which once had an effect or will have.
func Mask(text string) string {
	lines := linesOf(text)
	var shown []string
	done := 0
	for _, p := range spans(text) {
		for _, line := range lines[done : p.line-1] {
			shown = append(shown, maskComment(line))
		}
		done = p.last
		if isSecret(p.key) {
			shown = append(shown, p.key+"="+stars)
		} else {
			shown = append(shown, lines[p.line-1:p.last]...)
		}
	}
	for _, line := range lines[done:] {
		shown = append(shown, maskComment(line))
	}
	return strings.Join(shown, "\n")
}

const stars = "*****"

// maskComment masks a line that is blank or a comment.
func maskComment(line string) string {
	key, value := cut(strings.TrimLeft(line, blanks+"#!"))
	if value != "" && isSecret(unescape(key)) {
		return "#" + key + "=" + stars
	}
	return line
}

func isSecret(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"passw", "digest", "secret"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}
