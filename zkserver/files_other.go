//go:build !unix

package zkserver

import "math"

// fileLimit is how many files this process may have open: no one knows.
func fileLimit() int { return math.MaxInt32 }
