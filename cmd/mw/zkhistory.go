package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A history is what was typed at `mw zk`, in memory and in a file that it is
// appended to. It is a term.History.
type history struct {
	lines []string // oldest first
	file  *os.File // nil after a write has failed
}

// keptHistory is how many lines a history begins with; the file may hold twice that.
const keptHistory = 1000

// openHistory reads a history file, makes it if it is missing, and cuts one that has
// become long.
func openHistory(name string) (*history, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	h := &history{lines: strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })}
	if n := len(h.lines); n > keptHistory {
		h.lines = h.lines[n-keptHistory:]
		if n > 2*keptHistory {
			if err := replaceFile(name, strings.Join(h.lines, "\n")+"\n"); err != nil {
				return nil, err
			}
		}
	}
	h.file, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return h, err
}

// replaceFile changes a file's content in one step: another shell may be reading it.
func replaceFile(name, content string) error {
	tmp := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := os.WriteFile(tmp, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// Add remembers a line. Passwords it keeps only in memory, and the line before not
// twice.
func (h *history) Add(line string) {
	words := strings.Fields(line)
	if len(words) == 0 || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if over := len(h.lines) - 2*keptHistory; over > 0 {
		h.lines = slices.Delete(h.lines, 0, over)
	}
	if h.file == nil || words[0] == "addauth" {
		return
	}
	if _, err := fmt.Fprintln(h.file, line); err != nil {
		h.Close()
	}
}

// Len and At count from the newest.
func (h *history) Len() int { return len(h.lines) }

func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

func (h *history) Close() {
	if h.file != nil {
		h.file.Close()
		h.file = nil
	}
}

// historyFile is where lines are kept: the flag, or in the state directory of the
// XDG Base Directory Specification.
func historyFile(c *cli.Context) string {
	if c.IsSet("history") {
		return c.String("history")
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "mw", "zk_history")
}
