package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// usageError says in one line of our own words what was wrong with the flags.
// The libraries have only their text to tell it.
func usageError(c *cli.Context, err error, _ bool) error {
	for _, m := range mistyped {
		if found := m.pattern.FindStringSubmatch(err.Error()); found != nil {
			return usagef(c, "%s", m.say(c, found[1:]))
		}
	}
	return usagef(c, "%s", oneLine(err))
}

// mistyped is what the packages flag (parseOne, failf) and cli (Apply of each
// kind of flag, normalizeFlag) say, and what we make of it.
var mistyped = []struct {
	pattern *regexp.Regexp
	say     func(c *cli.Context, found []string) string
}{
	{regexp.MustCompile(`^flag provided but not defined: -(.*)$`), func(_ *cli.Context, f []string) string {
		return "there is no flag " + dashed(f[0])
	}},
	{regexp.MustCompile(`^bad flag syntax: (.*)$`), func(_ *cli.Context, f []string) string {
		return "there is no flag " + f[0]
	}},
	{regexp.MustCompile(`^flag needs an argument: -(.*)$`), func(_ *cli.Context, f []string) string {
		return dashed(f[0]) + " needs a value"
	}},
	{regexp.MustCompile(`(?s)^invalid (?:boolean )?value "(.*)" for (?:flag )?-([^ ]+): (.*)$`), func(c *cli.Context, f []string) string {
		return fmt.Sprintf("%s: %s", dashed(f[1]), noValue(c, f[1], f[0], f[2]))
	}},
	{regexp.MustCompile(`(?s)^could not parse "(.*)" as .* value from environment variable "([^"]+)" for flag ([^ ]+): (.*)$`), func(c *cli.Context, f []string) string {
		return fmt.Sprintf("%s: %s", f[1], noValue(c, f[2], f[0], f[3]))
	}},
	{regexp.MustCompile(`^Cannot use two forms of the same flag: ([^ ]+) ([^ ]+)$`), func(_ *cli.Context, f []string) string {
		return fmt.Sprintf("%s and %s are the same flag: give one", dashed(f[0]), dashed(f[1]))
	}},
}

// dashed is a flag as it is typed.
func dashed(name string) string {
	name = strings.TrimPrefix(name, "-")
	return "--"[:min(len(name), 2)] + name
}

// noValue says why a text, quoted already, is no value of a flag.
func noValue(c *cli.Context, flag, text, why string) string {
	kind := "value"
	switch findFlag(c, flag).(type) {
	case *cli.IntFlag, *cli.Int64Flag:
		kind = "whole number"
		if strings.Contains(why, "out of range") {
			return fmt.Sprintf(`"%s" is out of range`, text)
		}
	case *cli.DurationFlag:
		kind = "duration like 5s or 500ms"
	case *cli.BoolFlag:
		return fmt.Sprintf(`"%s" is neither true nor false`, text)
	}
	return fmt.Sprintf(`"%s" is no %s`, text, kind)
}

// findFlag finds a flag of the command or of those above it, nil if there is none.
func findFlag(c *cli.Context, name string) cli.Flag {
	for _, at := range c.Lineage() {
		if at.Command == nil {
			continue
		}
		flags := at.Command.Flags
		if i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }); i >= 0 {
			return flags[i]
		}
	}
	return nil
}
