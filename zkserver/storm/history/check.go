package history

import "fmt"

// A Violation is something that the service must not do.
type Violation struct {
	Check string // its name in the package's doc
	Text  string
}

// Error is the check and the text.
func (v Violation) Error() string { return v.Check + ": " + v.Text }

func violation(check, format string, args ...any) Violation {
	return Violation{check, fmt.Sprintf(format, args...)}
}

// Check returns all that is wrong with a history.
func Check(ops []Op) []Violation {
	var all []Violation
	for _, check := range []func([]Op) []Violation{Registers, Zxids, Sessions, Sequences, Ephemerals, Remains, Lives, Leases, Watches} {
		all = append(all, check(ops)...)
	}
	return all
}
