package main

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver/reference"
)

var (
	rounds = flag.Int("failover.rounds", 10, "let `N` things befall the nodes")
	seed   = flag.Uint64("failover.seed", 0, "choose them by the random numbers of `SEED`; 0: any")
)

// TestMain lets the demo start this program as a service, a controller and what
// they run.
func TestMain(m *testing.M) {
	if os.Getenv("FAILOVER") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// sessionTimeout is short, and yet not lost by itself on a busy machine.
const sessionTimeout = 1500 * time.Millisecond

func TestNeverTwoAreActive(t *testing.T) {
	if testing.Short() {
		t.Skip("not tested: takes 30 s; -short was asked for")
	}
	neverTwo(t, "", *rounds)
}

func TestInteropNeverTwoAreActive(t *testing.T) {
	reference.Need(t)
	neverTwo(t, reference.Start(t).Addr()+"/chroot", *rounds/3)
}

func neverTwo(t *testing.T, servers string, rounds int) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	h := toyHooks // some orders take so long that who gave them is dead meanwhile
	h.activate = "[ $((MW_FENCE % 3)) = 0 ] && sleep 1.5; " + h.activate
	var out lockedBuffer
	err := demo(t.Context(), &out, servers, sessionTimeout, h, rounds, s)
	t.Logf("\n%s", out.String())
	if err != nil {
		t.Error(err)
	}
}

// Where nothing is fenced, two are active when a controller is killed and its
// service goes on: the demo would find that out.
func TestTwoAreActiveWithoutFencing(t *testing.T) {
	h := toyHooks
	h.fence = "true"
	var out lockedBuffer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := demo(ctx, &out, "", sessionTimeout, h, 100, 1); err == nil || !strings.Contains(err.Error(), "TWO ACTIVE") {
		t.Errorf("without fencing: %v\n%s", err, out.String())
	}
}

// A controller that slept, or a command of it that did, gives its order late: to a
// service that goes on, or to one that was started anew and remembers nothing.
func TestLateOrdersAreRefused(t *testing.T) {
	dir := t.TempDir()
	a, b := &resource{dir: dir}, &resource{dir: dir}
	steps := []struct {
		name  string
		r     *resource
		order string
		want  string // of the error; "": none
	}{
		{"first", a, "active 5", ""},
		{"it is", a, "check 5", ""},
		{"fenced by the next", a, "standby 9", ""},
		{"left already", a, "standby 9", ""},
		{"no promise yet", a, "active 5", ""},
		{"two", b, "active 9", "TWO ACTIVE"},
		{"fenced for good", a, "standby 9", ""},
		{"next", b, "active 9", ""},
		{"late", a, "active 5", "refused: 5 is below 9"},
		{"late, anew", &resource{dir: dir}, "active 5", "refused: 5 is below 9"},
		{"late end", b, "standby 5", "used with 9"},
		{"it was not", b, "check 5", "not active with 5"},
		{"lives", b, "check 0", ""},
		{"goes on", b, "active 10", ""},
		{"nonsense", b, "dance 10", "is no order"},
		{"nothing", b, "", "EOF"},
	}
	for _, tt := range steps {
		if err := obey(tt.r, "x", tt.order); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q = %v, want %q", tt.name, tt.order, err, tt.want)
		}
	}
	if !a.used() || b.leave(10) != nil || a.used() {
		t.Error("it is not known whether the resource is used")
	}
}

// A lockedBuffer may be written to by many processes.
type lockedBuffer struct {
	mu sync.Mutex // protects the field below
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
