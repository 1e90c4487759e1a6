package difftest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	zkclient "github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A changer asks an ensemble of three for other members. It calls the leader 1, and
// the two others 2 and 3.
type changer struct {
	*zkclient.Client
	t     *testing.T
	names []naming
}

// A naming is a text of the ensemble's own, and what stands for it in texts that are
// the same for all.
type naming struct{ own, name string }

// newChanger connects to the leader, whose number is given. spec makes of a member's
// line one that may be asked for: with three ports.
func newChanger(t *testing.T, addr string, leader int, spec func(line string, number int) string) *changer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := zkclient.Dial(ctx, zkclient.Config{Servers: []string{addr}, SessionTimeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	data, _, err := client.Get(ctx, "/zookeeper/config", false)
	if err != nil {
		t.Fatal(err)
	}
	c := &changer{Client: client, t: t}
	_, elsewhere, _ := net.SplitHostPort(reference.FreeAddr(t))
	next := 2
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		var number int
		if _, err := fmt.Sscanf(line, "server.%d=", &number); err != nil {
			continue
		}
		name := 1
		if number != leader {
			name, next = next, next+1
		}
		full := spec(line, number)
		c.names = append(c.names,
			naming{fmt.Sprintf("%d", number), fmt.Sprintf("<%d>", name)},
			naming{full, fmt.Sprintf("{%d}", name)}, naming{line, fmt.Sprintf("{%d}", name)},
			naming{strings.Replace(full, ":participant", ":observer", 1), fmt.Sprintf("{%d observer}", name)},
			naming{full[:strings.LastIndexByte(full, ':')+1] + elsewhere, fmt.Sprintf("{%d elsewhere}", name)})
	}
	if next != 4 {
		t.Fatalf("not three members with the leader %d: %q", leader, data)
	}
	return c
}

// A reconfigCase is one request. In texts, also in those of answers, {N} is the line
// of member N, and <N> its number.
type reconfigCase struct {
	name                   string
	joining, leaving, full string
	from                   int64
}

// ask sends the request and says what came of it: the code, or the members.
func (c *changer) ask(r reconfigCase) string {
	fill := func(text string) []byte {
		for _, n := range c.names {
			text = strings.ReplaceAll(text, n.name, n.own)
		}
		if text == "" {
			return nil
		}
		return []byte(text)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	data, stat, err := c.Reconfig(ctx, wire.ReconfigRequest{JoiningServers: fill(r.joining), LeavingServers: fill(r.leaving), NewMembers: fill(r.full), CurConfigID: r.from})
	if err != nil {
		return zkclient.CodeOf(err).String()
	}
	members, ok := strings.CutSuffix(string(data), fmt.Sprintf("version=%x", stat.Mzxid))
	if !ok {
		return fmt.Sprintf("version is not the zxid %x: %q", stat.Mzxid, data)
	}
	return c.named(members)
}

// named gives lines their names, in the order of these.
func (c *changer) named(members string) string {
	lines := strings.Split(strings.TrimSpace(members), "\n")
	for i, line := range lines {
		if at := slices.IndexFunc(c.names, func(n naming) bool { return n.own == line }); at >= 0 {
			lines[i] = c.names[at].name
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}
