package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
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
on stderr says why. The other commands change the members while the service goes on, of this server or an Apache ZooKeeper, by
the protocol's reconfig. It takes the permission to: --auth super:PASSWORD, of
servers with a superDigest, and reconfigEnabled=true.

Start a new member before it is added, with --join; a member that is removed may be
stopped then. More than half of the new list must run. The others keep the list they
were started with, also when they start again: the service itself knows better.

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
	return withMembers(c, func(membership) (*wire.ReconfigRequest, error) { return nil, nil })
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
		Description: "Shows the members as they are then. See \"mw help server members\".",
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

func addMembers(c *cli.Context, _ membership) (*wire.ReconfigRequest, error) {
	var joining []string
	for _, text := range c.Args().Slice() {
		m, err := zoocfg.ParseMember(text)
		if err != nil {
			return nil, usagef(c, "%q %v", text, err)
		}
		if m.ClientPort == 0 || m.Addresses[0].ElectionPort == 0 {
			return nil, usagef(c, "%q must name three ports, as 4=zk4:2888:3888;2181: for data, for elections and for clients", text)
		}
		joining = append(joining, "server."+text)
	}
	return &wire.ReconfigRequest{JoiningServers: []byte(strings.Join(joining, ",")), CurConfigID: -1}, nil
}

func removeMembers(c *cli.Context, now membership) (*wire.ReconfigRequest, error) {
	if _, err := now.named(c); err != nil {
		return nil, err
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

// A membership is what /zookeeper/config says.
type membership struct {
	Version string         `json:"version"`
	Members []listedMember `json:"members"`

	version int64
	asked   bool // what state they are in
}

type listedMember struct {
	Number  int    `json:"number"`
	Address string `json:"address"`
	Role    string `json:"role"`
	Client  string `json:"client,omitempty"`
	State   string `json:"state,omitempty"` // leader, follower or observer, if it says so

	spec string // what stands behind "server.N="
}

// parseMembership reads the lines of /zookeeper/config.
func parseMembership(text string) (m membership, err error) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "version" {
			m.Version = value
			if m.version, err = strconv.ParseInt(value, 16, 64); err != nil {
				return m, fmt.Errorf("/zookeeper/config: version is %q, must be a hexadecimal number", value)
			}
		}
		number, ok := strings.CutPrefix(key, "server.")
		if !ok {
			continue
		}
		s, err := zoocfg.ParseMember(number + "=" + value)
		if err != nil {
			return m, fmt.Errorf("/zookeeper/config: %q %w", line, err)
		}
		one := listedMember{Number: s.ID, Address: joinPort(s.Addresses[0].Host, s.Addresses[0].Port), Role: "participant", spec: value}
		if s.Observer {
			one.Role = "observer"
		}
		if s.ClientPort != 0 {
			one.Client = joinPort(s.ClientAddress, s.ClientPort)
		}
		m.Members = append(m.Members, one)
	}
	slices.SortFunc(m.Members, func(a, b listedMember) int { return a.Number - b.Number })
	return m, nil
}

// named are the members that the arguments name by their numbers.
func (m membership) named(c *cli.Context) (found []listedMember, err error) {
	for _, text := range c.Args().Slice() {
		i := slices.IndexFunc(m.Members, func(one listedMember) bool { return strconv.Itoa(one.Number) == text })
		if i < 0 {
			return nil, usagef(c, "there is no member %s", text)
		}
		found = append(found, m.Members[i])
	}
	return found, nil
}

// changeTime is how long a change of the members may take: a new one is given all
// of the state first.
const changeTime = 5 * time.Minute

// configPath is where the members are, outside any chroot.
const configPath = "/zookeeper/config"

// withMembers reads the members, makes the change that plan says, if any, and
// shows what they are then.
func withMembers(c *cli.Context, plan func(now membership) (*wire.ReconfigRequest, error)) error {
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
	ctx, cancel := context.WithTimeoutCause(c.Context, changeTime, errors.New("the members have not changed for a long time: is the new one running?"))
	defer cancel()
	data, _, err := cl.Get(ctx, configPath, false)
	if err != nil {
		return fmt.Errorf("%s: %w", configPath, err)
	}
	now, err := parseMembership(string(data))
	if err != nil {
		return err
	}
	q, err := plan(now)
	if err != nil {
		return err
	}
	if q != nil {
		if data, _, err = cl.Reconfig(ctx, *q); err != nil {
			return notChanged(err)
		}
		if now, err = parseMembership(string(data)); err != nil {
			return err
		}
		return now.print(c)
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

// dialMembers connects as the user that the flags name.
func dialMembers(c *cli.Context, cfg client.Config) (cl *client.Client, err error) {
	if err := reach(c, func(ctx context.Context) (err error) { cl, err = client.Dial(ctx, cfg); return err }); err != nil {
		return nil, zkUnreachable(err)
	}
	if user := c.String("auth"); user != "" {
		if err := cl.AddAuth(c.Context, "digest", []byte(user)); err != nil {
			return nil, errors.Join(fmt.Errorf("auth: %w", err), cl.Close())
		}
	}
	return cl, nil
}

// notChanged says why, and what to do.
func notChanged(err error) error {
	failed := fmt.Errorf("members are as they were: %w", err)
	switch client.CodeOf(err) {
	case wire.NoAuth:
		return &failure{err: failed, code: exitDenied, hint: "say who may do it with --auth super:PASSWORD; the servers need its superDigest"}
	case wire.ReconfigDisabled, wire.Unimplemented:
		return hinted(failed, "the servers need reconfigEnabled=true, and must be an ensemble")
	case wire.NewConfigNoQuorum:
		return hinted(failed, "start the new members first: more than half of those there will be must run")
	case wire.ReconfigInProgress:
		return hinted(failed, "another change is under way: try again when it is done")
	case wire.BadArguments:
		return hinted(failed, "no two members may have a port in common, and two or more must have a vote")
	case wire.BadVersion:
		return hinted(failed, "somebody else has changed them meanwhile: look, and try again")
	}
	return failed
}

func (m membership) print(c *cli.Context) error {
	w := c.App.Writer
	switch global(c, "output") {
	case "json":
		return writeJSON(w, m)
	case "jsonl":
		enc := json.NewEncoder(w)
		for _, one := range m.Members {
			if err := enc.Encode(one); err != nil {
				return err
			}
		}
		return nil
	case "id":
		for _, one := range m.Members {
			fmt.Fprintln(w, one.Number)
		}
		return nil
	}
	if len(m.Members) == 0 {
		note("the server stands alone: it has no members")
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "MEMBER\tADDRESS\tROLE\tCLIENTS"
	if m.asked {
		head += "\tSTATE"
	}
	fmt.Fprintln(tw, head)
	for _, one := range m.Members {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s", one.Number, one.Address, one.Role, cmp.Or(one.Client, "-"))
		if m.asked {
			fmt.Fprintf(tw, "\t%s", cmp.Or(one.State, "-"))
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "version %s\n", m.Version)
	return err
}
