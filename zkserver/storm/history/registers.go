package history

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// searchTime bounds the search for an order of one path's operations. A path has a
// few dozen of them.
const searchTime = time.Minute

// A register is a path as its operations see it.
type register struct {
	exists  bool
	value   string
	version int32
}

// Registers checks that the operations on each path are linearizable.
func Registers(ops []Op) []Violation {
	paths := map[string][]porcupine.Operation{}
	owned := map[string]bool{} // ephemeral, and so deleted by others than those who note it
	for i := range ops {
		if ops[i].Kind == Ephemeral {
			owned[ops[i].Path] = true
		}
	}
	for i := range ops {
		o := &ops[i]
		if owned[o.Path] {
			continue
		}
		switch o.Kind {
		case Read:
			if !o.Answered() {
				continue
			}
			fallthrough
		case Create, Set, Delete:
			end := o.End
			if !o.Answered() {
				end = math.MaxInt64
			}
			paths[o.Path] = append(paths[o.Path], porcupine.Operation{ClientId: 0, Input: o, Call: o.Begin, Return: end})
		}
	}
	var bad []Violation
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		switch porcupine.CheckOperationsTimeout(registerModel, paths[path], searchTime) {
		case porcupine.Illegal:
			bad = append(bad, violation("registers", "%s is not linearizable:\n%s", path, list(paths[path])))
		case porcupine.Unknown:
			bad = append(bad, violation("registers", "%s: not decided in %v, %d operations", path, searchTime, len(paths[path])))
		}
	}
	return bad
}

// list is a path's history, for a person.
func list(history []porcupine.Operation) string {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, o := range history {
		fmt.Fprintf(&b, "\t%s\n", o.Input.(*Op))
	}
	return b.String()
}

var registerModel = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		return state.(register).step(input.(*Op))
	},
}

// step reports whether an operation can have had its answer in this state, and
// what the state is after it. One without answer can always be the last of all,
// which is as if it had never been done.
func (r register) step(o *Op) (bool, register) {
	after, code := r.do(o)
	switch {
	case !o.Answered():
		return true, after
	case code != o.Code:
		return false, r
	case code == OK && o.Kind == Read:
		return o.Value == r.value && o.Version == r.version, r
	case code == OK && o.Kind == Set:
		return o.Version == after.version, after
	}
	return true, after
}

// do is what a znode does.
func (r register) do(o *Op) (after register, c Code) {
	switch {
	case o.Kind == Create && r.exists:
		return r, Exists
	case o.Kind == Create:
		return register{exists: true, value: o.Value}, OK
	case !r.exists:
		return r, NoNode
	case o.Kind == Read:
		return r, OK
	case o.Expect != -1 && o.Expect != r.version:
		return r, BadVersion
	case o.Kind == Delete:
		return register{}, OK
	}
	return register{exists: true, value: o.Value, version: r.version + 1}, OK
}
