package tree_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mwqueue/mw/zkserver/tree"
)

// TestScripts tells the story of the tree. A command is one transaction with
// the next zxid, or one read:
//
//	create PATH [data=D|null] [mode=MODE] [ttl=MS] [acl=A,A…] [session=N] [auth=(ID, ID…)] [changes]
//	delete PATH [version=V]    set PATH data=D [version=V]    set-acl PATH acl=A,A… [version=V]
//	check PATH [version=V]     close-session N                multi (one operation a line)
//	expire PATH [time=MS] [unused=MS]     overdue [time=MS] [unused=MS]
//	get PATH   stat PATH   ls PATH   acl PATH   count PATH   ephemerals N [prefix=P]   dump
//	restart (by way of a snapshot)   totals
//
// A transaction enforces quotas unless it says rules=(…), and happens at 1000 times
// its zxid unless it says time=MS. "changes" asks for what watches would hear. An ACL entry is scheme:id:perms
// with perms as letters of cdrwa or a number. A path in quotes is a Go string.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/script", func(t *testing.T, path string) {
		s := script{tree: tree.New()}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.run(t, d)
		})
	})
}

type script struct {
	tree *tree.Tree
	zxid int64
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "get", "stat", "ls", "acl", "count", "ephemerals", "overdue", "dump", "restart", "totals":
		return s.read(t, d)
	}
	line := command{t: t, name: d.Cmd, args: d.CmdArgs}
	txn := tree.Txn{Session: line.int("session", 0), Auth: line.auth(), Rules: tree.EnforceQuota}
	if line.has("rules") {
		txn.Rules = line.rules()
	}
	if d.Cmd == "multi" {
		txn.Op = tree.Multi{Ops: parseOps(t, d.Input)}
	} else {
		txn.Op = line.op()
	}
	if d.Cmd == "close-session" {
		txn.Session, _ = strconv.ParseInt(line.path(), 10, 64)
	}
	s.zxid++
	txn.Zxid, txn.Time = s.zxid, line.int("time", 1000*s.zxid)
	return showResult(s.tree.Apply(txn), d.Cmd, line.has("changes"))
}

func showResult(r tree.Result, cmd string, changes bool) string {
	var b strings.Builder
	switch {
	case cmd == "multi":
		for _, op := range r.Ops {
			b.WriteString(showOutcome(op))
		}
		fmt.Fprintf(&b, "= %s", showOutcome(tree.Result{Err: r.Err}))
	case cmd == "close-session" && len(r.Changes) > 0:
	default:
		b.WriteString(showOutcome(r))
	}
	for _, c := range r.Changes {
		if changes || cmd == "close-session" {
			fmt.Fprintf(&b, "%s %s\n", c.Kind, c.Path)
		}
	}
	if r.OverQuota != "" {
		fmt.Fprintf(&b, "over the quota of %s\n", r.OverQuota)
	}
	return b.String()
}

func showOutcome(r tree.Result) string {
	switch {
	case r.Err != nil:
		return fmt.Sprintf("error: %v\n", r.Err)
	case r.Path != "":
		return r.Path + "\n"
	case r.Stat != tree.Stat{}:
		return fmt.Sprintf("version=%d aversion=%d\n", r.Stat.Version, r.Stat.Aversion)
	}
	return "ok\n"
}

func (s *script) read(t *testing.T, d *datadriven.TestData) string {
	line := command{t: t, name: d.Cmd, args: d.CmdArgs}
	out, err := s.answer(d.Cmd, line)
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	return out
}

func (s *script) answer(cmd string, line command) (string, error) {
	switch cmd {
	case "get":
		data, stat, err := s.tree.Get(line.path(), line.auth())
		if data == nil && err == nil {
			return fmt.Sprintf("null version=%d\n", stat.Version), nil
		}
		return fmt.Sprintf("%q version=%d\n", data, stat.Version), err
	case "stat":
		stat, err := s.tree.Exists(line.path())
		return strings.Trim(fmt.Sprintf("%+v", stat), "{}") + "\n", err
	case "ls":
		names, _, err := s.tree.Children(line.path(), line.auth())
		slices.Sort(names)
		return fmt.Sprintf("%s\n", names), err
	case "acl":
		acl, stat, err := s.tree.ACL(line.path(), line.auth())
		return showACL(acl) + fmt.Sprintf("aversion=%d\n", stat.Aversion), err
	case "count":
		n, err := s.tree.ChildrenNumber(line.path(), line.auth())
		return fmt.Sprintf("%d\n", n), err
	case "ephemerals":
		session, _ := strconv.ParseInt(line.path(), 10, 64)
		return fmt.Sprintf("%s\n", slices.Sorted(slices.Values(s.tree.Ephemerals(session, line.string("prefix", ""))))), nil
	case "overdue":
		var paths []string
		for part := range tree.Parts {
			paths = append(paths, s.tree.Overdue(part, line.int("time", 1000*s.zxid), line.int("unused", 0))...)
		}
		slices.Sort(paths)
		return fmt.Sprintf("%s\n", paths), nil
	case "totals":
		return fmt.Sprintf("%+v zxid=%d digest=%016x\n", s.tree.Counts(), s.tree.LastZxid(), s.tree.Digest()), nil
	}
	return s.restart()
}

// restart replaces the tree with what comes back from its snapshot.
func (s *script) restart() (string, error) {
	var b bytes.Buffer
	if _, err := s.tree.Capture().WriteTo(&b); err != nil {
		return "", err
	}
	back, err := tree.Read(&b)
	if err == nil {
		s.tree = back
	}
	return "ok\n", err
}

func showACL(acl []tree.ACL) string {
	var b strings.Builder
	for _, a := range acl {
		fmt.Fprintf(&b, "%s:%s:%d\n", a.Scheme, a.ID, a.Perms)
	}
	return b.String()
}

// A command is a parsed line of a script.
type command struct {
	t    *testing.T
	name string
	args []datadriven.CmdArg
}

func parseOps(t *testing.T, input string) []tree.Op {
	var ops []tree.Op
	for line := range strings.Lines(input) {
		name, args, err := datadriven.ParseLine(line)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, command{t: t, name: name, args: args}.op())
	}
	return ops
}

func (c command) op() tree.Op {
	version := int32(c.int("version", -1))
	switch c.name {
	case "create":
		return tree.Create{Path: c.path(), Data: c.data(), ACL: c.acl(), Mode: c.mode(), TTL: c.int("ttl", 0)}
	case "delete":
		return tree.Delete{Path: c.path(), Version: version}
	case "set":
		return tree.SetData{Path: c.path(), Data: c.data(), Version: version}
	case "set-acl":
		return tree.SetACL{Path: c.path(), ACL: c.acl(), Version: version}
	case "check":
		return tree.Check{Path: c.path(), Version: version}
	case "close-session":
		return tree.CloseSession{}
	case "expire":
		return tree.Expire{Path: c.path(), Unused: c.int("unused", 0)}
	case "refused":
		return tree.Refused{Err: tree.ErrBadArguments}
	case "multi":
		return tree.Multi{}
	}
	c.t.Fatalf("unknown command %q", c.name)
	return nil
}

func (c command) path() string {
	if len(c.args) == 0 {
		c.t.Fatalf("%s without a path", c.name)
	}
	path := c.args[0].Key
	if unquoted, err := strconv.Unquote(path); err == nil {
		return unquoted
	}
	return path
}

func (c command) has(key string) bool {
	return slices.ContainsFunc(c.args, func(a datadriven.CmdArg) bool { return a.Key == key })
}

func (c command) values(key string) []string {
	for _, a := range c.args {
		if a.Key == key {
			return a.Vals
		}
	}
	return nil
}

func (c command) string(key, otherwise string) string {
	if v := c.values(key); len(v) > 0 {
		return v[0]
	}
	return otherwise
}

func (c command) int(key string, otherwise int64) int64 {
	s := c.string(key, strconv.FormatInt(otherwise, 10))
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
	return n
}

func (c command) data() []byte {
	switch s := c.string("data", ""); s {
	case "null":
		return nil
	default:
		if text, err := strconv.Unquote(s); err == nil {
			return []byte(text)
		}
		return []byte(s)
	}
}

var modes = map[string]tree.Mode{
	"persistent": tree.Persistent, "sequential": tree.PersistentSequential,
	"ephemeral": tree.Ephemeral, "ephemeral-sequential": tree.EphemeralSequential,
	"container": tree.Container, "ttl": tree.PersistentTTL, "ttl-sequential": tree.PersistentSequentialTTL,
}

func (c command) mode() tree.Mode {
	name := c.string("mode", "persistent")
	mode, ok := modes[name]
	if !ok {
		c.t.Fatalf("unknown mode %q", name)
	}
	return mode
}

// auth gives the identities in auth=(scheme:id, …).
func (c command) auth() []tree.ID {
	var ids []tree.ID
	for _, s := range c.values("auth") {
		scheme, id, _ := strings.Cut(s, ":")
		ids = append(ids, tree.ID{Scheme: scheme, ID: id})
	}
	return ids
}

// rules gives those in rules=(…).
func (c command) rules() (rules tree.Rules) {
	for _, name := range c.values("rules") {
		rules |= map[string]tree.Rules{
			"no-containers": tree.NoContainers, "no-ttl": tree.NoTTL, "no-x509": tree.NoX509,
			"any-quota-data": tree.AnyQuotaData, "quota": tree.EnforceQuota,
		}[name]
	}
	return rules
}

// acl gives the entries of acl=(scheme:id:perms, …), world:anyone:cdrwa if
// there is no such argument.
func (c command) acl() []tree.ACL {
	if !c.has("acl") {
		return []tree.ACL{{Perms: tree.PermAll, Scheme: "world", ID: "anyone"}}
	}
	var acl []tree.ACL
	for _, s := range c.values("acl") {
		scheme, rest, ok := strings.Cut(s, ":")
		colon := strings.LastIndexByte(rest, ':')
		if !ok || colon < 0 {
			continue
		}
		acl = append(acl, tree.ACL{Scheme: scheme, ID: rest[:colon], Perms: perms(rest[colon+1:])})
	}
	return acl
}

func perms(s string) int32 {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return int32(n)
	}
	var p int32
	for _, c := range s {
		p |= map[rune]int32{
			'c': tree.PermCreate, 'd': tree.PermDelete, 'r': tree.PermRead, 'w': tree.PermWrite, 'a': tree.PermAdmin,
		}[c]
	}
	return p
}
