package difftest

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/zkserver"
	zkclient "github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zktest"
)

var withReconfig = flag.Bool("difftest.reconfig", false, "compare reconfig on three members, which takes half a minute")

// A changer asks an ensemble of three for other members.
type changer struct {
	*testing.T
	*zkclient.Client
}

func newChanger(t *testing.T, addrs string) changer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := zkclient.Dial(ctx, zkclient.Config{Servers: strings.Split(addrs, ","), SessionTimeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return changer{t, c}
}

// specs are the lines of the configuration, by number from 1 on, as one may ask for
// them: with three ports each.
func (c changer) specs() (lines [4]string) {
	c.Helper()
	data, _, err := c.Get(c.Context(), "/zookeeper/config", false)
	if err != nil {
		c.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var n int
		if _, err := fmt.Sscanf(line, "server.%d=", &n); err == nil && n > 0 && n < len(lines) {
			lines[n] = strings.TrimSpace(line)
		}
	}
	return lines
}

// A reconfigCase is one request; in texts {N} is the line of member N.
type reconfigCase struct {
	name                   string
	joining, leaving, full string
	from                   int64
}

// None takes a member off that may lead: Apache ZooKeeper then drops its clients.
var reconfigCases = []reconfigCase{
	{name: "leaving is no number", leaving: "x", from: -1},
	{name: "joining is no line", joining: "4", from: -1},
	{name: "joining without a client port", joining: "server.4=127.0.0.1:1:2", from: -1},
	{name: "joining with a port of another", joining: "server.4=127.0.0.1:7:7;7", from: -1},
	{name: "leaving is too large a number", leaving: "99999999999999999999", from: -1},
	{name: "an unknown role", joining: "server.4=127.0.0.1:1:2:king;3", from: -1},
	{name: "a wrong version", leaving: "3", from: 77},
	{name: "one voter left", leaving: "2,3", from: -1},
	{name: "nobody left", leaving: "1,2,3", from: -1},
	{name: "an empty list", full: "\n", from: -1},
	{name: "a number twice", full: "{1},{2},{3},{1}", from: -1},
	{name: "no quorum of the new ones", joining: "server.4=127.0.0.1:11:12;13,server.5=127.0.0.1:14:15;16", leaving: "1,2", from: -1},
	{name: "the list as it is", full: "{1},{2},{3}", from: -1},
	{name: "leaving is unknown", leaving: "9, -1", from: -1},
	{name: "one leaves and joins", joining: "{3}", leaving: "3", from: -1},
}

// ask sends the request and says what came of it: the code, and the members.
func (c changer) ask(r reconfigCase, lines [4]string) string {
	fill := func(text string) []byte {
		for n, line := range lines {
			text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", n), line)
		}
		if text == "" {
			return nil
		}
		return []byte(text)
	}
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	data, stat, err := c.Reconfig(ctx, wire.ReconfigRequest{JoiningServers: fill(r.joining), LeavingServers: fill(r.leaving), NewMembers: fill(r.full), CurConfigID: r.from})
	if err != nil {
		return zkclient.CodeOf(err).String()
	}
	text := string(data)
	if i := strings.LastIndex(text, "version="); i < 0 || text[i:] != fmt.Sprintf("version=%x", stat.Mzxid) {
		return fmt.Sprintf("version is not the zxid %x: %q", stat.Mzxid, text)
	}
	return normalPorts.ReplaceAllString(text, "$1=$2")
}

// normalPorts leaves of a member its number and its role.
var normalPorts = regexp.MustCompile(`(?m)(server\.\d+)=.*:(participant|observer);?.*$|version=.*`)

// TestInteropReconfigIsAnsweredAlike: what may be asked, and what is wrong with it.
func TestInteropReconfigIsAnsweredAlike(t *testing.T) {
	reference.Need(t)
	if !*withReconfig {
		t.Skip("starts three of Apache ZooKeeper: by hand, with -difftest.reconfig")
	}
	theirs := newChanger(t, reference.StartEnsemble(t, 3, "reconfigEnabled=true").Connect())
	ours := newChanger(t, zktest.NewEnsemble(t, 3, func(c *zkserver.Config) {
		c.ReconfigEnabled, c.SuperDigest = true, reference.SuperDigest
	}).Addr())
	their, our := theirs.specs(), ours.specs()
	for n := 1; n <= 3; n++ { // they have no ports for clients in their lists
		if !strings.Contains(their[n], ";") {
			their[n] += fmt.Sprintf(";127.0.0.1:%d", 20+n)
		}
		our[n] = strings.Replace(our[n], ":participant", fmt.Sprintf(":%d:participant;127.0.0.1:%d", 10+n, 20+n), 1)
	}
	check := func(r reconfigCase) {
		t.Helper()
		a, b := theirs.ask(r, their), ours.ask(r, our)
		if a != b {
			t.Errorf("%s: %q, at Apache ZooKeeper %q", r.name, b, a)
		}
		t.Logf("%s: %q", r.name, a)
	}
	check(reconfigCase{name: "by anybody", leaving: "3", from: -1})
	for _, c := range []changer{theirs, ours} {
		if err := c.AddAuth(t.Context(), "digest", []byte("super:secret")); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range reconfigCases {
		check(r)
	}
}
