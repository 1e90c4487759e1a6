package wire_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mwqueue/mw/zkserver/wire"
)

// A cut is one line of testdata/cut-3.8.0.txt: what Apache ZooKeeper answered to
// the first n bytes of a request's body, for every n from from to to.
type cut struct {
	op       wire.Op
	body     []byte
	from, to int
	answer   string // a code, "closed" or "silent"
}

// takesNullPath are ops that the reference lets have a null path, to no use (it
// answers them as it would a path that is not there). No client sends that, and
// here a null path is a fault in every record.
var takesNullPath = []wire.Op{wire.OpSetData, wire.OpSetACL, wire.OpSync, wire.OpRemoveWatches, wire.OpAddWatch}

// TestCutRequestsFailAsTheReferenceFails wants a fault from Decode exactly where
// Apache ZooKeeper could not read the request: it answers that with a
// marshalling error, or for auth with an end of the connection.
func TestCutRequestsFailAsTheReferenceFails(t *testing.T) {
	for _, c := range readCuts(t) {
		faulty := c.answer == "-5" || c.answer == "closed"
		if strings.HasPrefix(string(c.body), "\xff\xff\xff\xff") && slices.Contains(takesNullPath, c.op) {
			faulty = true
		}
		for n := c.from; n <= c.to; n++ {
			if err := wire.Decode(c.body[:n], wire.NewRequest(c.op)); faulty != (err != nil) {
				t.Errorf("%v cut to %d of %d bytes: %v; the reference says %s\n%x", c.op, n, len(c.body), err, c.answer, c.body[:n])
			}
		}
	}
}

func readCuts(t *testing.T) []cut {
	t.Helper()
	file, err := os.Open("testdata/cut-3.8.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var cuts []cut
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		body, err := hex.DecodeString(f[1])
		if err != nil {
			t.Fatal(err)
		}
		cuts = append(cuts, cut{op: wire.Op(number(f[0])), body: body, from: number(f[2]), to: number(f[3]), answer: f[4]})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cuts
}
