package watch_test

import (
	"fmt"

	"github.com/mwqueue/mw/zkserver/watch"
)

// Two standbys wait for the master's znode to go. Both hear of it, once.
func Example() {
	t := watch.NewTable()
	t.Add(watch.Data, "/master", 7)
	t.Add(watch.Data, "/master", 9)
	for range 2 {
		for conn := range t.Trigger(watch.Event{Type: watch.Deleted, Path: "/master"}) {
			fmt.Println("tell", conn)
		}
	}
	// Output:
	// tell 7
	// tell 9
}
