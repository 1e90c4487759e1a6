package main

// maxTypos is how many letters a word may be off the one that was meant: more
// is another word.
const maxTypos = 2

// nearest returns the first of names that is least edits away from word, "" when
// none is within maxTypos and half of the word.
func nearest(word string, names []string) string {
	best, least := "", min(maxTypos, (len(word)-1)/2)+1
	for _, name := range names {
		if d := edits(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// edits is how many bytes must be put in, left out or changed, or be swapped
// with the next, to make b of a.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
