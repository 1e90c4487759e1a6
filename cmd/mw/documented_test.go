package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// What README, help and samples tell people to type is taken by the command line.
func TestEveryDocumentedCommandLineIsTaken(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "deploy", "*"))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code := string(text)
		if filepath.Ext(name) == ".md" {
			code = fenced(code)
		}
		total += typeAll(t, name, code)
	}
	for _, c := range everyCommand(newApp().Commands) {
		_, examples, _ := strings.Cut(c.Description, "Example")
		total += typeAll(t, c.Name, examples)
	}
	if total < 80 {
		t.Errorf("only %d command lines found", total)
	}
}

// What is called a flag in a document is one.
func TestEveryDocumentedFlagExists(t *testing.T) {
	known := map[string]bool{"--": true, "--help": true}
	for _, f := range newApp().Flags {
		known["--"+f.Names()[0]] = true
	}
	for _, c := range everyCommand(newApp().Commands) {
		for _, f := range c.Flags {
			known["--"+f.Names()[0]] = true
		}
	}
	flag := regexp.MustCompile("[ `(]--[a-z-]*")
	for _, name := range []string{"README.md", "CHANGELOG.md", "deploy/README.md", "deploy/compose.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range flag.FindAllString(string(text), -1) {
			if !known[found[1:]] {
				t.Errorf("%s: no command has a flag %s", name, found[1:])
			}
		}
	}
}

func everyCommand(commands []*cli.Command) (all []*cli.Command) {
	for _, c := range commands {
		all = append(append(all, c), everyCommand(c.Subcommands)...)
	}
	return all
}

// fenced keeps the blocks of code of a page.
func fenced(page string) string {
	var code strings.Builder
	for i, part := range strings.Split(page, "```") {
		if i%2 == 1 {
			code.WriteString(part)
		}
	}
	return strings.ReplaceAll(code.String(), "\\\n", "")
}

// typeAll types each line of text that calls mw, and counts them.
func typeAll(t *testing.T, where, text string) (n int) {
	t.Helper()
	call := regexp.MustCompile(`(?m)(?:^[ #]*|\$\(|[/;] ?|exec zk1 |args )mw ([a-z].*)$`)
	for _, found := range call.FindAllStringSubmatch(text, -1) {
		line := strings.NewReplacer("$M", "--member 1=h:1", "$i", "1", "…", "").Replace(found[1])
		for part := range strings.SplitSeq(line, " & bin/mw ") {
			n++
			if err := typeLine(shellWords(part)); err != nil {
				t.Errorf("%s: mw %s: %s", where, part, oneLine(err))
			}
		}
	}
	return n
}

// typeLine has the command line parse words, and does nothing.
func typeLine(words []string) error {
	argv := append([]string{"mw"}, words...)
	app := newApp()
	app.Writer = io.Discard
	for _, c := range everyCommand(app.Commands) {
		submits := c.Name == "submit"
		c.Action = func(c *cli.Context) error {
			if submits {
				_, err := parseSpec(c, argv)
				return err
			}
			if len(c.Command.Subcommands) > 0 {
				return noArguments(c)
			}
			return nil
		}
	}
	return app.Run(argv)
}

// shellWords takes the first command of a line apart, as a shell would: up to what
// ends it, or two spaces, behind which help has a remark.
func shellWords(line string) (words []string) {
	word := regexp.MustCompile(`^ ?('[^']*'|"[^"]*"|[^ '"|&<>#;)]+)`)
	for {
		m := word.FindStringSubmatch(line)
		if m == nil {
			return words
		}
		words = append(words, strings.Trim(m[1], `'"`))
		line = line[len(m[0]):]
	}
}
