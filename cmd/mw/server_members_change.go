package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
	"github.com/mwqueue/mw/zkserver/zoocfg"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func serverMembersCommand() *cli.Command {
	return &cli.Command{
		Name:      "members",
		Usage:     "list, add, remove and promote the members of an ensemble",
		UsageText: "mw server members [list]\n   mw server members add|remove|promote [flags] MEMBER…",
		Description: `Lists the members, as /zookeeper/config has them, with its version. STATE is what a
member says that it is: leader, follower or observer; a dash if it does not answer
within 2 s where clients are served, or nobody knows where that is, and then a line
on stderr says why. The other commands change the members while the service goes on,
of this server or an Apache ZooKeeper, by the protocol's reconfig. A refused change
leaves all as it was, and the exit code is 64 if there can be no such members, 77
without the permission, 75 if it is not known whether they have changed, else 125.
The permission is that of --auth super:PASSWORD, with servers that have a superDigest
and reconfigEnabled=true.

Start a new member before it is added, with --join: one that is not there is on the
list all the same, and gets the data, and then its vote, when it comes. A member that
is removed has no vote any more, and serves its clients until it is stopped, or silent
for 3 s: stop it before another server is given its number. More than half of the new
list must run. The others keep the list they were started with, also when they start
again: the service itself knows better.

From one server to three and to five, with ADMIN for
   --set reconfigEnabled=true --set DigestAuthenticationProvider.superDigest=super:$(
   printf super:secret | openssl dgst -sha1 -binary | base64)
on all of them, and certificates if they are on different machines:
   zk1$ mw server --id 1 --member 1=zk1:2888 ADMIN
   zk2$ mw server --id 2 --member 2=zk2:2888,1=zk1:2888 --join ADMIN
   zk3$ mw server --id 3 --member 3=zk3:2888,1=zk1:2888 --join ADMIN
   mw server members add --auth super:secret '2=zk2:2888:3888;2181' '3=zk3:2888:3888;2181'
   zk4$ mw server --id 4 --member 4=zk4:2888,1=zk1:2888 --join ADMIN
   zk5$ mw server --id 5 --member 5=zk5:2888,1=zk1:2888 --join ADMIN
   mw server members add --auth super:secret '4=zk4:2888:3888;2181' '5=zk5:2888:3888;2181'

Examples:
   mw server members
   mw server members add --auth super:secret '4=zk4:2888:3888;2181' '5=zk5:2888:3888:observer;2181'
   mw server members promote --auth super:secret 5
   mw server members remove --auth super:secret 1`,
		Flags: append(membersFlags(), outputFlag()),
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list the members, who leads, and the version of the list", UsageText: "mw server members list [flags]",
				Description: "Is \"mw server members\" without a command. See \"mw help server members\".",
				Flags:       append(membersFlags(), outputFlag()),
				Action:      listMembers,
			},
			membersChange("add", "'N=HOST:PORT:PORT[:observer];CLIENTPORT'", "add members, or change the address of some", addMembers),
			membersChange("remove", "N", "remove members", removeMembers),
			membersChange("promote", "N", "give observers a vote", promoteMembers),
		},
		Action: listMembers,
	}
}

func listMembers(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return withMembers(c, nil)
}

func membersFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "auth", Usage: "be the user of scheme digest with `USER:PASSWORD`"},
	}, serviceFlags()...)
}

// membersChange is the command of one kind of change; plan makes the request of
// the arguments and of what there is.
func membersChange(name, argument, usage string, plan func(c *cli.Context, now membership) (*wire.ReconfigRequest, error)) *cli.Command {
	return &cli.Command{
		Description: "Shows the members as they are then, and which are silent. See \"mw help server members\".",
		Name:        name, Usage: usage, UsageText: fmt.Sprintf("mw server members %s [--auth USER:PASSWORD] %s…", name, argument),
		Flags: append(membersFlags(), outputFlag()),
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usagef(c, "%s takes at least one %s", name, argument)
			}
			return withMembers(c, func(now membership) (*wire.ReconfigRequest, error) { return plan(c, now) })
		},
	}
}

func addMembers(c *cli.Context, now membership) (*wire.ReconfigRequest, error) {
	var joining []string
	for _, text := range c.Args().Slice() {
		m, err := zoocfg.ParseMember(text)
		if err != nil {
			return nil, usagef(c, "%q must be N=HOST:PORT:PORT;CLIENTPORT, as 4=zk4:2888:3888;2181, or with :observer before the ;", text)
		}
		if m.ClientPort == 0 || m.Addresses[0].ElectionPort == 0 {
			return nil, usagef(c, "%q must name three ports, as 4=zk4:2888:3888;2181: for data, for elections and for clients", text)
		}
		if owner, addr, shared := now.owns(m); shared {
			return nil, usagef(c, "%q: %s is member %d's: each has its own address", text, addr, owner)
		}
		joining = append(joining, "server."+text)
	}
	return &wire.ReconfigRequest{JoiningServers: []byte(strings.Join(joining, ",")), CurConfigID: -1}, nil
}

func removeMembers(c *cli.Context, now membership) (*wire.ReconfigRequest, error) {
	leaving, err := now.named(c)
	if err != nil {
		return nil, err
	}
	left := 0
	for _, one := range now.Members {
		if one.Role != "observer" && !slices.Contains(leaving, one) {
			left++
		}
	}
	if left < minVoters {
		return nil, usagef(c, "%d of those left would have a vote, must be at least %d", left, minVoters)
	}
	return &wire.ReconfigRequest{LeavingServers: []byte(strings.Join(c.Args().Slice(), ",")), CurConfigID: -1}, nil
}

func promoteMembers(c *cli.Context, now membership) (*wire.ReconfigRequest, error) {
	members, err := now.named(c)
	if err != nil {
		return nil, err
	}
	var joining []string
	for _, m := range members {
		if m.Role != "observer" {
			return nil, usagef(c, "member %d has a vote already", m.Number)
		}
		joining = append(joining, fmt.Sprintf("server.%d=%s", m.Number, strings.Replace(m.spec, ":observer", ":participant", 1)))
	}
	return &wire.ReconfigRequest{JoiningServers: []byte(strings.Join(joining, ",")), CurConfigID: now.version}, nil
}

// minVoters is how many members with a vote an ensemble must be left with.
const minVoters = 2

// changeTime is how long a change of the members may take: a new one is given all
// of the state first.
const changeTime = 5 * time.Minute

// configPath is where the members are, outside any chroot.
const configPath = "/zookeeper/config"

// silence is what is asked for as the session timeout while members change. Servers
// grant what they have at most.
const silence = time.Minute

// A membersPlan makes the request for a change of what there is.
type membersPlan func(now membership) (*wire.ReconfigRequest, error)

// withMembers reads the members, makes the change that plan says, if any, and
// shows what they are then.
func withMembers(c *cli.Context, plan membersPlan) error {
	if err := checkOutput(c); err != nil {
		return err
	}
	log, err := logger(c, zerolog.WarnLevel)
	if err != nil {
		return err
	}
	_, cfg, err := clientConfig(c, log, "")
	if err != nil {
		return err
	}
	cfg.Chroot = ""
	cl, err := dialMembers(c, cfg)
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeoutCause(c.Context, changeTime, errors.New("the members have not changed for a long time: the servers' logs say what is waited for"))
	defer cancel()
	data, _, err := cl.Get(ctx, configPath, false)
	if err != nil {
		return fmt.Errorf("%s: %w", configPath, err)
	}
	now, err := parseMembership(string(data))
	if err != nil {
		return err
	}
	if plan != nil {
		if now, err = now.change(ctx, c, cfg, cl, plan); err != nil {
			return err
		}
	}
	silent := now.askStates(c.Context, cfg)
	if err := now.print(c); err != nil {
		return err
	}
	for _, text := range silent {
		note("%s", text)
	}
	return nil
}

// change makes the change that plan says and returns what the members are then. A
// server answers nothing else on the connection of a change meanwhile: it has one of
// its own, to the server that cl has found, which may be silent for long.
func (m membership) change(ctx context.Context, c *cli.Context, cfg client.Config, cl *client.Client, plan membersPlan) (membership, error) {
	if len(m.Members) == 0 {
		return m, &failure{
			err:  errors.New("the server stands alone: it has no members to change"),
			code: exitFailed, hint: "start it with --id N --member N=HOST:PORT, then others can be added: \"mw help server members\" shows how",
		}
	}
	q, err := plan(m)
	if err != nil {
		return m, err
	}
	cfg.Servers, cfg.SessionTimeout = []string{cl.Session().Server}, max(cfg.SessionTimeout, silence)
	changing, err := dialMembers(c, cfg)
	if err != nil {
		return m, err
	}
	defer changing.Close()
	data, _, err := changing.Reconfig(ctx, *q)
	if err != nil {
		return m, notChanged(c, err)
	}
	return parseMembership(string(data))
}

// authUser is what --auth says, behind the subcommand or before it.
func authUser(c *cli.Context) string {
	for _, c := range c.Lineage() {
		if c.IsSet("auth") {
			return c.String("auth")
		}
	}
	return ""
}

// dialMembers connects as the user that the flags name.
func dialMembers(c *cli.Context, cfg client.Config) (cl *client.Client, err error) {
	if err := reach(c, func(ctx context.Context) (err error) { cl, err = client.Dial(ctx, cfg); return err }); err != nil {
		return nil, zkUnreachable(err)
	}
	if user := authUser(c); user != "" {
		if err := cl.AddAuth(c.Context, "digest", []byte(user)); err != nil {
			return nil, errors.Join(fmt.Errorf("auth: %w", err), cl.Close())
		}
	}
	return cl, nil
}

// outcomeUnknown reports whether a change that failed may have been made all the
// same: what was sent was not answered, or by a server that could not tell.
func outcomeUnknown(err error) bool {
	if answer, ok := errors.AsType[*client.Error](err); ok {
		return answer.Code == wire.ConnectionLoss || answer.Code == wire.OperationTimeout || answer.Code == wire.SessionExpired
	}
	return errors.Is(err, client.ErrConnectionLost) || errors.Is(err, client.ErrNotFinished) ||
		errors.Is(err, client.ErrSessionExpired) || errors.Is(err, client.ErrClosed)
}

// notChanged says why, and what to do.
func notChanged(c *cli.Context, err error) error {
	if outcomeUnknown(err) {
		return &failure{
			err:  fmt.Errorf("it is not known whether the members have changed: %w", err),
			code: exitUnknown, hint: `"mw server members" shows what they are; the same command may be given again`,
		}
	}
	failed := fmt.Errorf("members are as they were: %w", err)
	switch client.CodeOf(err) {
	case wire.NoAuth:
		hint := "say who may do it with --auth super:PASSWORD; the servers need its superDigest"
		if user, _, _ := strings.Cut(authUser(c), ":"); user != "" {
			hint = fmt.Sprintf("%s with that password may not do it: the servers' superDigest, or the ACL of %s, says who may", user, configPath)
		}
		return &failure{err: failed, code: exitDenied, hint: hint}
	case wire.ReconfigDisabled:
		return hinted(failed, "start the servers with --set reconfigEnabled=true")
	case wire.Unimplemented:
		return hinted(failed, "the server stands alone, or is of a kind that cannot change its members")
	case wire.NewConfigNoQuorum:
		return hinted(failed, "more than half of those there will be must run and reach the leader, and each new one that is there get the data in time")
	case wire.ReconfigInProgress:
		return hinted(failed, "another change is under way: try again when it is done")
	case wire.BadArguments:
		return &failure{err: failed, code: exitUsage, hint: "no address may be given twice, to one member or to two, and two or more must have a vote"}
	case wire.BadVersion:
		return hinted(failed, "somebody else has changed them meanwhile: look, and try again")
	}
	return failed
}
