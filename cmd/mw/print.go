package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"
)

// A listing is rows that can be shown in each of the output formats.
type listing[T any] struct {
	rows   []T
	header []string
	cells  func(T) []string // one for each of header
	id     func(T) string
	json   func(T) any // what JSON shows of a row; fields are only ever added
}

// print writes the listing as --output says.
func (l listing[T]) print(c *cli.Context) error {
	w := c.App.Writer
	switch format := global(c, "output"); format {
	case "", "table":
		return l.table(w)
	case "json":
		all := make([]any, 0, len(l.rows))
		for _, r := range l.rows {
			all = append(all, l.json(r))
		}
		return writeJSON(w, all)
	case "jsonl":
		enc := json.NewEncoder(w)
		for _, r := range l.rows {
			if err := enc.Encode(l.json(r)); err != nil {
				return err
			}
		}
		return nil
	case "id":
		for _, r := range l.rows {
			if _, err := fmt.Fprintln(w, l.id(r)); err != nil {
				return err
			}
		}
		return nil
	default:
		return badOutput(c, format)
	}
}

// writeJSON writes v as --output json does.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (l listing[T]) table(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(l.header, "\t"))
	for _, r := range l.rows {
		cells := l.cells(r)
		for i := range cells {
			cells[i] = plain(cells[i])
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}

// checkOutput refuses an unknown --output before anything is done.
func checkOutput(c *cli.Context) error {
	switch format := global(c, "output"); format {
	case "", "table", "json", "jsonl", "id":
		return nil
	default:
		return badOutput(c, format)
	}
}

func badOutput(c *cli.Context, format string) error {
	return usagef(c, "--output: %q is none of table, json, jsonl, id", format)
}

// plain makes text of a znode, which anybody may have written, safe for a
// terminal: one line, and no sequences that a terminal obeys.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// short cuts text to one plain line of n characters at most.
func short(text string, n int) string {
	clean := []rune(plain(text))
	if len(clean) > n {
		return string(clean[:n-1]) + "…"
	}
	return string(clean)
}

// ago shows how long before now t was, in one unit.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return took(max(0, now.Sub(t)))
}

// took shows a duration in one unit, as precise as a person cares for.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
