package zkshell

import (
	"context"
	"slices"
	"strings"
)

// A command is one that is done with a connection. Those of the shell itself, like
// history, are in [Shell.own].
type command struct {
	name, usage string
	opts        options
	needs       int // arguments, the name included

	// raw commands look at no options.
	raw bool

	// old says how the command was once written: with the watch, or the version,
	// after the path.
	old string

	run func(ctx context.Context, k *call) error
}

func flag(name, about string) option  { return option{name: name, about: about} }
func value(name, about string) option { return option{name: name, about: about, hasValue: true} }

func flags(all ...option) options { return options{all: all} }

// commands are the commands of zkCli 3.8 in the order of their names.
var commands = []command{
	{name: "addWatch", usage: "[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE",
		opts: flags(value("m", "")), run: addWatch},
	{name: "addauth", usage: "scheme auth", needs: 2, run: addAuth},
	{name: "close", raw: true, run: closeSession},
	{name: "config", usage: "[-c] [-w] [-s]", run: showConfig,
		opts: flags(flag("s", "stats"), flag("w", "watch"), flag("c", "client connection string"))},
	{name: "create", usage: "[-s] [-e] [-c] [-t ttl] path [data] [acl]", needs: 2, run: create,
		opts: flags(flag("e", "ephemeral"), flag("s", "sequential"), flag("c", "container"), value("t", "ttl"))},
	{name: "delete", usage: "[-v version] path", needs: 2, old: "path [version]", run: deleteOne, opts: flags(value("v", "version"))},
	{name: "deleteall", usage: "path [-b batch size]", needs: 2, run: deleteAll, opts: flags(value("b", "batch size"))},
	{name: "delquota", usage: "[-n|-b|-N|-B] path", needs: 2, run: delQuota, opts: options{oneOf: true, all: quotaFlags(false)}},
	{name: "get", usage: "[-s] [-w] path", needs: 2, old: "path [watch]", run: get, opts: flags(flag("s", "stats"), flag("w", "watch"))},
	{name: "getAcl", usage: "[-s] path", needs: 2, run: getACL, opts: flags(flag("s", "stats"))},
	{name: "getAllChildrenNumber", usage: "path", needs: 2, run: allChildrenNumber},
	{name: "getEphemerals", usage: "path", run: ephemerals},
	{name: "listquota", usage: "path", needs: 2, run: listQuota},
	{name: "ls", usage: "[-s] [-w] [-R] path", needs: 2, old: "path [watch]", run: list,
		opts: flags(flag("?", "help"), flag("R", "recurse"), flag("s", "stat"), flag("w", "watch"))},
	{name: "reconfig", usage: "[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | [-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]",
		run: reconfig, opts: flags(flag("s", "stats"), value("v", ""), value("file", ""), value("members", ""), value("add", ""), value("remove", ""))},
	{name: "removewatches", usage: "path [-c|-d|-a] [-l]", needs: 2, run: removeWatches,
		opts: flags(flag("c", ""), flag("d", ""), flag("a", ""), flag("l", ""))},
	{name: "set", usage: "[-s] [-v version] path data", needs: 3, run: set, opts: flags(flag("s", "stats"), value("v", "version"))},
	{name: "setAcl", usage: "[-s] [-v version] [-R] path acl", needs: 3, run: setACL,
		opts: flags(flag("s", "stats"), value("v", "version"), flag("R", "recursive"))},
	{name: "setquota", usage: "-n|-b|-N|-B val path", needs: 2, run: setQuota, opts: options{oneOf: true, required: true, all: quotaFlags(true)}},
	{name: "stat", usage: "[-w] path", needs: 2, old: "path [watch]", run: stat, opts: flags(flag("w", "watch"))},
	{name: "sync", usage: "path", needs: 2, run: syncPath},
	{name: "version", run: version},
	{name: "whoami", raw: true, run: whoAmI},
}

// aliases are names of earlier releases.
var aliases = map[string]string{"rmr": "deleteall"}

// shellUsage are the commands of the shell itself.
var shellUsage = map[string]string{"connect": "host:port", "history": "", "printwatches": "on|off", "quit": "", "redo": "cmdno"}

// find returns the command called name.
func find(name string) (command, bool) {
	i, ok := slices.BinarySearchFunc(commands, name, func(c command, name string) int { return strings.Compare(c.name, name) })
	if !ok {
		return command{}, false
	}
	return commands[i], true
}

// names returns every command's name, sorted.
func names() []string {
	all := []string{"help"}
	for name := range shellUsage {
		all = append(all, name)
	}
	for _, c := range commands {
		all = append(all, c.name)
	}
	slices.Sort(all)
	return all
}

// Usage lists the commands, as zkCli does when it is given one it does not know.
func Usage() string {
	lines := make([]string, 0, len(commands)+len(shellUsage))
	for _, c := range commands {
		lines = append(lines, "\t"+c.name+" "+c.usage+"\n")
	}
	for name, usage := range shellUsage {
		lines = append(lines, "\t"+name+" "+usage+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int {
		return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
	})
	return "ZooKeeper -server host:port -client-configuration properties-file cmd args\n" + strings.Join(lines, "")
}

func (c command) usageError() error { return failf("%s %s", c.name, c.usage) }
