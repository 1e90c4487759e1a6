package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// newApp is the whole command line.
func newApp() *cli.App {
	cli.FlagStringer = flagHelp
	cli.HelpPrinter = printHelp
	app := &cli.App{
		Name:                  "mw",
		Usage:                 "a distributed task queue",
		CustomAppHelpTemplate: appHelp,
		Flags:                 append(globalFlags(), versionFlag, cli.HelpFlag),
		Commands: []*cli.Command{
			devCommand(),
			submitCommand(),
			psCommand(),
			statusCommand(),
			waitCommand(),
			logsCommand(),
			cancelCommand(),
			retryCommand(),
			workersCommand(),
			lockCommand(),
			serverCommand(),
			masterCommand(),
			workerCommand(),
			guardCommand(),
			lockGuardCommand(),
			zkCommand(),
			benchCommand(),
			versionCommand(),
			helpCommand(),
		},
		Action:                    noCommand,
		OnUsageError:              usageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // else cli exits by itself
		HideVersion:               true,
		DisableSliceFlagSeparator: true, // --env A=1,2 is one variable
	}
	for _, c := range app.Commands {
		finish(c, "MW")
	}
	return app
}

// finish gives a command what all commands have: the same manners about
// mistyped flags, the same help, and a variable MW_COMMAND_FLAG for each flag
// that has none.
func finish(c *cli.Command, prefix string) {
	c.HideHelpCommand = true // "mw submit help" submits "help"
	c.OnUsageError = usageError
	c.CustomHelpTemplate = commandHelp
	prefix += "_" + variable(c.Name)
	for _, f := range c.Flags {
		nameVariable(f, prefix+"_"+variable(f.Names()[0]))
	}
	c.Flags = splitLists(c.Flags)
	for _, sub := range c.Subcommands {
		sub.HelpName = cmp.Or(c.HelpName, "mw "+c.Name) + " " + sub.Name
		finish(sub, prefix)
	}
}

func variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// nameVariable lets a flag be given by a variable. Global flags that are
// repeated after the command keep the one they have.
func nameVariable(f cli.Flag, name string) {
	if isGlobal(f) {
		return
	}
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = []string{name}
	case *cli.StringSliceFlag:
		f.EnvVars = []string{name}
	case *cli.IntFlag:
		f.EnvVars = []string{name}
	case *cli.Int64Flag:
		f.EnvVars = []string{name}
	case *cli.BoolFlag:
		f.EnvVars = []string{name}
	case *cli.DurationFlag:
		f.EnvVars = []string{name}
	}
}

// noCommand is what mw does without a command it knows.
func noCommand(c *cli.Context) error {
	name := c.Args().First()
	if name == "" && c.Bool(versionFlag.Name) {
		return printVersion(c)
	}
	if name == "" {
		return cli.ShowAppHelp(c)
	}
	err := noSuchCommand(name)
	err.hint += didYouMean(c.App.VisibleCommands(), name)
	return err
}

// didYouMean goes on from a hint with the command whose name is much like word, if one is.
func didYouMean(commands []*cli.Command, word string) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	near := nearest(word, names)
	if near == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", near)
}

func noSuchCommand(name string) *failure {
	return &failure{err: fmt.Errorf("there is no command %q", name), code: exitUsage, hint: helpHint(nil)}
}

// noArguments refuses words after a command that takes none. After one that has
// subcommands the word was meant to be one of them.
func noArguments(c *cli.Context) error {
	word := c.Args().First()
	switch {
	case word == "":
		return nil
	case len(c.Command.Subcommands) == 0:
		return usagef(c, "%s takes no arguments, got %q", c.Command.Name, word)
	}
	return &failure{
		err:  fmt.Errorf("%s has no command %q", c.Command.HelpName, word),
		code: exitUsage,
		hint: helpHint(c) + didYouMean(c.Command.Subcommands, word),
	}
}
