package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkshell"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func zkCommand() *cli.Command {
	return &cli.Command{
		Name:      "zk",
		Usage:     "look into the tree and change it, with the commands of zkCli",
		UsageText: "mw zk [flags] [COMMAND [ARGUMENTS]]",
		Description: `With a command, does it and exits as zkCli.sh would: 0, 1 when it was refused,
127 when there is no such command. Without one, reads commands: from a person,
with line editing, history and Tab for commands and paths, or one a line from a
script. "help" lists the commands; they print what zkCli.sh 3.8 prints. Answers
and watch events go to stdout, everything else to stderr. Ephemeral znodes and
watches end with the shell.

Examples:
   mw zk
   mw zk ls -R /tasks
   mw zk create /config '{"retries": 3}'
   mw zk get -s /config
   mw zk --servers zk1:2181,zk2:2181/app < script`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "history", Usage: "keep what is typed in `FILE`, \"\" for nowhere", DefaultText: "mw/zk_history in the user's state directory"},
		}, serviceFlags()...),
		Action: runZK,
	}
}

func runZK(c *cli.Context) error {
	log, err := logger(c, zerolog.WarnLevel)
	if err != nil {
		return err
	}
	servers, _, err := clientConfig(c, log, "")
	if err != nil {
		return err
	}
	person := !c.Args().Present() && term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
	sh := zkshell.New(zkshell.Config{
		Servers: servers,
		Resolve: func(servers string) (client.Config, error) {
			_, cfg, err := clientConfig(c, log, servers)
			return cfg, err
		},
		Out: c.App.Writer, Err: os.Stderr, Interactive: person,
		Version: "mw " + programVersion(), ReadFile: os.ReadFile,
	})
	defer sh.Close()
	if err := reach(c, sh.Connect); c.Context.Err() != nil {
		return context.Cause(c.Context)
	} else if err != nil {
		return zkUnreachable(err)
	}
	switch {
	case c.Args().Present():
		return zkExit(c, sh.Do(c.Context, c.Args().Slice()), nil)
	case person:
		return interactZK(c, sh)
	}
	code, err := sh.Script(c.Context, os.Stdin)
	return zkExit(c, code, err)
}

// zkExit ends the program with the shell's exit code, unless there is an error.
func zkExit(c *cli.Context, code int, err error) error {
	if err == nil {
		err = context.Cause(c.Context)
	}
	if err != nil {
		return err
	}
	return exit(code)
}

// zkUnreachable says why no server could be reached, and no more.
func zkUnreachable(err error) error {
	if _, why, ok := strings.Cut(err.Error(), client.ErrNotConnected.Error()+": "); ok && errors.Is(err, coordinator.ErrNoServer) {
		return &failure{err: fmt.Errorf("%w: %s", coordinator.ErrNoServer, why), code: exitCode(err), hint: hint(err)}
	}
	return err
}

// clientConfig says how to reach servers, or with "" those of the flags, which it
// returns as text too.
func clientConfig(c *cli.Context, log zerolog.Logger, servers string) (string, client.Config, error) {
	cfg, err := service(c, log)
	if err != nil {
		return "", client.Config{}, err
	}
	if servers == "" {
		servers = strings.Join(cfg.Servers, ",") + cfg.Chroot
	} else if cfg.Servers, cfg.Chroot, err = coordinator.ParseServers(servers); err != nil {
		return "", client.Config{}, err
	}
	return servers, client.Config{Servers: cfg.Servers, Chroot: cfg.Chroot, SessionTimeout: cfg.SessionTimeout, Dial: cfg.Dial, Log: log}, nil
}

// interactZK gives the shell the terminal that this program runs in.
func interactZK(c *cli.Context, sh *zkshell.Shell) error {
	in := int(os.Stdin.Fd())
	t := zkshell.Terminal{
		ReadWriter: terminal{},
		Raw: func() (func(), error) {
			old, err := term.MakeRaw(in)
			return func() { term.Restore(in, old) }, err
		},
		Size: func() (int, int, error) { return term.GetSize(in) },
	}
	if name := historyFile(c); name != "" {
		h, err := openHistory(name)
		if err != nil {
			note("history is not kept: %v", err)
		} else {
			defer h.Close()
			t.History = h
		}
	}
	code, err := sh.Interact(c.Context, t)
	return zkExit(c, code, err)
}

// terminal is what a person types at and sees.
type terminal struct{}

func (terminal) Read(b []byte) (int, error)  { return os.Stdin.Read(b) }
func (terminal) Write(b []byte) (int, error) { return os.Stdout.Write(b) }
