package worker

import (
	"slices"
	"strings"
)

// markPrefix begins the environment entry that tells the processes of one
// attempt from those of others.
const markPrefix = "MW_FENCE="

// passedOn returns the entries of environ, "NAME=value", with those names.
func passedOn(environ []string, names ...string) []string {
	var kept []string
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains(names, name) {
			kept = append(kept, entry)
		}
	}
	return kept
}
