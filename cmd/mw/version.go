package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the linker; see the Makefile.
var version string

// programVersion is the version this binary was built from, as far as known.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		UsageText:   "mw version [-o json]",
		Description: "Prints the version of mw, of Go, and the platform.",
		Flags:       []cli.Flag{outputFlag()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := checkOutput(c); err != nil {
				return err
			}
			return printVersion(c)
		},
	}
}

// versionFlag is for those who type it out of habit.
var versionFlag = &cli.BoolFlag{Name: "version", Usage: "print the version"}

func printVersion(c *cli.Context) error {
	switch global(c, "output") {
	case "json", "jsonl":
		return json.NewEncoder(c.App.Writer).Encode(map[string]string{
			"version": programVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	_, err := fmt.Fprintf(c.App.Writer, "mw %s %s %s/%s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
