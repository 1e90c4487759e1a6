package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:        "help",
		Usage:       "explain mw or a command",
		UsageText:   "mw help [COMMAND]",
		Description: "The same as \"mw COMMAND --help\".",
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return cli.ShowAppHelp(c)
			}
			at, commands := (*cli.Command)(nil), c.App.Commands
			for _, name := range c.Args().Slice() {
				i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
				if i < 0 {
					return noSuchCommand(strings.Join(c.Args().Slice(), " "))
				}
				at, commands = commands[i], commands[i].Subcommands
			}
			printHelp(c.App.Writer, commandHelp, at)
			return nil
		},
	}
}

// printHelp writes a help page. Pages of commands explain the command's own flags
// and only name the global ones, which stand on the page of mw.
func printHelp(w io.Writer, page string, of any) {
	cli.HelpPrinterCustom(w, page, of, map[string]any{"own": ownFlags, "globals": globalNames, "groups": grouped, "list": flagList})
}

func ownFlags(flags []cli.Flag) []cli.Flag {
	return slices.DeleteFunc(slices.Clone(flags), isGlobal)
}

// pageWidth is how wide help is, for terminals that are as they always were.
const pageWidth = 80

// A flagGroup is flags of one category, under its name; "" for those of none.
type flagGroup struct {
	Name  string
	Flags []cli.Flag
}

// grouped puts flags of one category together, in the order of their first ones.
func grouped(flags []cli.Flag) (groups []flagGroup) {
	for _, f := range flags {
		name := ""
		if of, ok := f.(cli.CategorizableFlag); ok {
			name = of.GetCategory()
		}
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.Name == name })
		if i < 0 {
			i, groups = len(groups), append(groups, flagGroup{Name: name})
		}
		groups[i].Flags = append(groups[i].Flags, f)
	}
	return groups
}

// flagList shows flags, one below the other, with what they are for beside them in
// a column that begins alike for all of a page.
func flagList(flags, page []cli.Flag) string {
	const indent = "   "
	column := 0
	for _, f := range page {
		name, _, _ := strings.Cut(flagHelp(f), "\t")
		column = max(column, len(indent)+utf8.RuneCountInString(name)+2)
	}
	var b strings.Builder
	for _, f := range flags {
		name, usage, _ := strings.Cut(flagHelp(f), "\t")
		line := indent + name
		line += strings.Repeat(" ", column-utf8.RuneCountInString(line)-1)
		for word := range strings.FieldsSeq(usage) {
			if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > pageWidth && strings.TrimSpace(line) != "" {
				b.WriteString(line + "\n")
				line = strings.Repeat(" ", column-1)
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// globalNames lists the global flags among flags, in lines of a page's width.
func globalNames(flags []cli.Flag) string {
	text, line := "", ""
	for _, f := range flags {
		if !isGlobal(f) {
			continue
		}
		if name := " --" + f.Names()[0]; len(line)+len(name) <= pageWidth-2 {
			line += name
			continue
		}
		text, line = text+"  "+line+"\n", " --"+f.Names()[0]
	}
	if line == "" {
		return ""
	}
	return text + "  " + line
}

// flagHelp shows a flag as "--name, -n VALUE", a tab, and what it is for.
func flagHelp(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	names := make([]string, len(f.Names()))
	for i, name := range f.Names() {
		names[i] = "--" + name
		if len(name) == 1 {
			names[i] = "-" + name
		}
	}
	if list, ok := f.(listFlag); ok {
		names = append(names, "-"+list.short)
	}
	usage := doc.GetUsage()
	value := ""
	if _, after, ok := strings.Cut(usage, "`"); ok {
		value, _, _ = strings.Cut(after, "`")
		usage = strings.ReplaceAll(usage, "`", "")
		value = " " + value
	}
	if def := doc.GetDefaultText(); doc.TakesValue() && def != "" && def != `""` {
		usage += fmt.Sprintf(" (default: %s)", strings.Trim(def, `"`))
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		usage += " [$" + vars[0] + "]"
	}
	return strings.Join(names, ", ") + value + "\t" + usage
}

const appHelp = `mw - {{.Usage}}

Clients submit commands, a master assigns them to workers, workers run them
and record the outcome; any of them may die at any moment and no task is lost.

Usage:
   mw [flags] COMMAND [flags] [arguments]

Commands:{{range .VisibleCommands}}
   {{.Name}}{{"\t"}}{{.Usage}}{{end}}

Global flags, before the command, or after it where its help names them:
{{list .VisibleFlags .VisibleFlags}}

Start here:
   mw dev                    server, masters and workers in one process
   mw submit 'echo hello'    in another terminal
   mw ps

"mw COMMAND --help" tells all about a command. Each flag of a command has a
variable too: --slots of "mw worker" is MW_WORKER_SLOTS. A flag wins over a
variable, a variable over the default.

Exit codes: 0 done; a task's own code; 64 mistyped; 69 no server, or no such
chroot there; 75 not known whether it was done, safe to repeat; 77 not
permitted; 124 timed out; 125 mw failed; 126, 127 command not executable, not
found; 128+n ended by signal n.
`

const commandHelp = `{{.HelpName}} - {{.Usage}}

Usage:
   {{.UsageText}}

{{.Description}}
{{if .VisibleCommands}}
Commands:{{range .VisibleCommands}}
   {{.Name}}{{"\t"}}{{.Usage}}{{end}}
{{end}}
{{$own := own .VisibleFlags}}{{range $i, $group := groups $own}}{{if $i}}

{{end}}{{with $group.Name}}{{.}}:{{else}}Flags:{{end}}
{{list $group.Flags $own}}{{end}}{{with globals .VisibleFlags}}

Global flags, which "mw --help" explains:
{{.}}{{end}}
`
