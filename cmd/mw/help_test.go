package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// Flags with what they are for used to be lines of up to 160 characters, which a
// terminal breaks anywhere.
func TestFlagsInHelpFitATerminal(t *testing.T) {
	var walk func([]*cli.Command)
	walk = func(commands []*cli.Command) {
		for _, c := range commands {
			var page bytes.Buffer
			printHelp(&page, commandHelp, c)
			_, flags, _ := strings.Cut(page.String(), "\nFlags:\n")
			for line := range strings.Lines(flags) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > pageWidth {
					t.Errorf("the help of %s has a line of %d: %s", c.HelpName, n, line)
				}
			}
			walk(c.Subcommands)
		}
	}
	walk(newApp().Commands)
	var page bytes.Buffer
	printHelp(&page, commandHelp, serverCommand())
	for _, want := range []string{"\nFlags:\n   --config FILE ", "\n\nFlags for TLS with clients:\n   --tls-listen ADDR "} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the help of mw server has no %q", want)
		}
	}
}
