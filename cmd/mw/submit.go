package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"unicode/utf8"

	"github.com/mwqueue/mw/coordinator"
	"github.com/urfave/cli/v2"
)

func submitCommand() *cli.Command {
	return &cli.Command{
		Name:        "submit",
		Usage:       "run a command on some worker",
		UsageText:   "mw submit [flags] 'COMMAND LINE'\n   mw submit [flags] -- PROGRAM [ARGUMENT]…",
		Description: submitHelp,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "print the id and return at once"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "copy the output while the command runs"},
			&cli.StringFlag{Name: "name", Usage: "call the task `NAME`, for people"},
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set a variable, `K=V`; K alone takes its value from here; repeatable, the variable here holds one"},
			&cli.StringFlag{Name: "dir", Usage: "run in `DIR`, from / on, of the worker's machine (default: a scratch directory)"},
			&cli.DurationFlag{Name: "timeout", Usage: "end the command after it ran for `D`", DefaultText: "none"},
			&cli.StringFlag{Name: "key", Usage: "submit nothing if this same task is there with the key `K`, but answer for that one; exit code 64 if a different one has it"},
		}, serviceFlags()...),
		Action: submitTask,
	}
}

const submitHelp = `One string is given to sh -c on the worker; words after -- are a program and
its arguments, run as they are. The command does not inherit this shell's
environment or directory: say what it needs with --env and --dir.

Waits until the outcome is recorded, then writes what the command printed to
stdout and stderr and exits with its code: 0 to 123, 126, 127, 128+n for signal
n; its own 124 or 125 become 123. 124: it ran longer than --timeout. 125: it
has no outcome of its own (cancelled, or dead: its workers kept dying).

Of each output the worker keeps the first 10 MiB (its --output-limit) and the
task's record the last 16 KiB: what is missing in between is said on stderr, as
is output gone with its worker; the exit code is the command's all the same.

When a task does not start because there is no master, no worker or no free
slot, a line on stderr says so after 2 seconds; it waits all the same.

Ctrl-C while waiting cancels the task, waits until that is recorded, and exits
130. A second Ctrl-C leaves the task as it is and returns at once, unless within
half a second. SIGTERM, as of timeout(1), cancels too and exits 143, but waits
no longer than 5 seconds: without a master the request stays in the queue and
the task goes on until one leads. With --follow, the end of who reads the output
(| head) does the same, and exits 141.

A task may be submitted before the first master and worker have run, and waits
for them. Only the chroot in --servers, if it names one, must be there: a master
or worker makes it, mw submit does not, and exits 69. A server that takes no
writes because its disk is full is a line on stderr and tried again.

Once the id is there the task is on disk. It runs at least once, and its
outcome is recorded once. A submit whose answer was lost is settled before it
is tried again, so one call never makes two tasks; if it cannot be settled, the
exit code is 75 and the hint names the --key with which to repeat it.

Examples:
   mw submit 'echo hi; exit 3'             prints hi, exits 3
   mw submit -- convert in.png out.jpg     no shell in between
   mw submit --follow 'make test'          shows the output as it comes
   id=$(mw submit --detach 'sleep 60')     prints the id and returns
   mw submit --key nightly-2026-11-22 ./backup.sh    twice is once`

func submitTask(c *cli.Context) error {
	spec, err := parseSpec(c, os.Args)
	if err != nil {
		return err
	}
	signals := hear() // before the task is there, so that none is missed
	defer signal.Stop(signals)
	client, err := openClient(c)
	if err != nil {
		return err
	}
	defer client.Close()
	h, err := client.Submit(c.Context, spec)
	if err != nil {
		return err
	}
	if c.Bool("detach") {
		_, err := fmt.Fprintln(c.App.Writer, h.ID())
		return err
	}
	return attend(context.WithoutCancel(c.Context), signals, client, h, c.Bool("follow"))
}

// parseSpec makes a spec of the flags and arguments; argv is the whole command line.
func parseSpec(c *cli.Context, argv []string) (coordinator.Spec, error) {
	spec := coordinator.Spec{
		Key:     c.String("key"),
		Name:    c.String("name"),
		Dir:     c.String("dir"),
		Timeout: coordinator.Duration(c.Duration("timeout")),
	}
	switch {
	case c.IsSet("key") && spec.Key == "":
		return spec, usagef(c, "--key (or MW_SUBMIT_KEY) is empty")
	case c.Bool("detach") && c.Bool("follow"):
		return spec, usagef(c, "--detach waits for nothing, so there is nothing to --follow")
	}
	args := c.Args().Slice()
	switch {
	case len(args) == 0:
		return spec, usagef(c, "submit needs a command")
	case dashes(argv, args):
		spec.Argv = args
	case len(args) > 1:
		return spec, manyWords(c, args)
	default:
		spec.Shell = args[0]
	}
	if strings.TrimSpace(args[0]) == "" {
		return spec, usagef(c, "submit needs a command, got an empty one")
	}
	if spec.Timeout < 0 {
		return spec, usagef(c, "--timeout is %s, must not be negative", c.Duration("timeout"))
	}
	for _, pair := range c.StringSlice("env") {
		if !utf8.ValidString(pair) {
			return spec, usagef(c, "--env %q is not UTF-8", pair)
		}
		name, value, ok := strings.Cut(pair, "=")
		if name == "" {
			return spec, usagef(c, "--env %q has no name", pair)
		}
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				return spec, usagef(c, "--env %s: there is no such variable here", name)
			}
		}
		if spec.Env == nil {
			spec.Env = make(map[string]string)
		}
		spec.Env[name] = value
	}
	if err := spec.Validate(); err != nil {
		return spec, usagef(c, "%v", err)
	}
	return spec, nil
}

// dashes reports whether args, the end of argv, came after a "--".
func dashes(argv, args []string) bool {
	i := len(argv) - len(args) - 1
	return i >= 0 && argv[i] == "--"
}

// manyWords says what to type instead of words without "--".
func manyWords(c *cli.Context, args []string) error {
	f := &failure{err: fmt.Errorf("submit takes one string, got %d words", len(args)), code: exitUsage}
	if strings.HasPrefix(args[1], "-") && args[1] != "--" {
		f.hint = "flags go before the command, or put -- before a program and its arguments"
	} else {
		line := short(strings.Join(args[:2], " "), 60)
		if len(args) > 2 {
			line += " …"
		}
		f.hint = fmt.Sprintf("mw submit -- %s, or quote it for a shell: mw submit '%[1]s'", line)
	}
	return f
}
