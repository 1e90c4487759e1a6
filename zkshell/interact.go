package zkshell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// A Terminal is where a person sits.
type Terminal struct {
	io.ReadWriter

	// Raw makes the terminal pass on each key, until restore.
	Raw func() (restore func(), err error)

	// Size returns the number of columns and rows.
	Size func() (width, height int, err error)

	// History keeps what was typed for the arrow keys. Default: the last 100 lines,
	// until the shell ends.
	History term.History
}

// Interact reads lines from a person until quit, Ctrl-D, Ctrl-C at the prompt, or the
// end of ctx, and returns the exit code of the last command.
func (s *Shell) Interact(ctx context.Context, t Terminal) (int, error) {
	screen := term.NewTerminal(t, "")
	if t.History != nil {
		screen.History = t.History
	}
	screen.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		return s.completeLine(ctx, screen, line, pos)
	}
	s.out.redirect(printable{screen})
	s.err.redirect(printable{screen})
	defer s.out.redirect(s.cfg.Out)
	defer s.err.redirect(s.cfg.Err)
	fmt.Fprintln(s.out, "Welcome to ZooKeeper!")
	for !s.quit && ctx.Err() == nil {
		line, err := s.readLine(ctx, screen, t)
		if err == io.EOF {
			return s.code, nil
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return s.code, fmt.Errorf("read terminal: %w", err)
		}
		s.Execute(ctx, strings.TrimRight(line, "\r\n"))
	}
	return s.code, context.Cause(ctx)
}

// readLine shows the prompt and reads a line, with the terminal in raw mode only
// meanwhile: so Ctrl-C ends a command that takes long. When ctx ends first the
// terminal is given back as it was, though a key is still waited for.
func (s *Shell) readLine(ctx context.Context, screen *term.Terminal, t Terminal) (string, error) {
	restore, err := t.Raw()
	if err != nil {
		return "", err
	}
	defer restore()
	if w, h, err := t.Size(); err == nil && w > 0 && h > 0 {
		screen.SetSize(w, h)
	}
	screen.SetPrompt(s.prompt())
	type input struct {
		line string
		err  error
	}
	read := make(chan input, 1)
	go func() { // ends with the line, or with the program
		line, err := screen.ReadLine()
		read <- input{line, err}
	}()
	select {
	case in := <-read:
		return in.line, in.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// prompt is zkCli's.
func (s *Shell) prompt() string {
	state := "CLOSED"
	switch {
	case s.c == nil:
		state = "NOT_CONNECTED"
	case s.c.Err() != nil:
	case !s.c.Connected():
		state = "CONNECTING"
	case s.c.Session().ReadOnly:
		state = "CONNECTEDREADONLY"
	default:
		state = "CONNECTED"
	}
	return fmt.Sprintf("[zk: %s(%s) %d] ", s.servers, state, s.count)
}

// completionPatience bounds how long Tab waits for a server.
const completionPatience = 2 * time.Second

// completeLine completes the word at the cursor, or shows what it could be.
func (s *Shell) completeLine(ctx context.Context, screen *term.Terminal, line string, pos int) (string, int, bool) {
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	word, with, candidates := complete(line[:pos], func(parent string) []string {
		if s.c == nil || !s.c.Connected() {
			return nil
		}
		names, _, _ := s.c.Children(ctx, parent, false)
		return names
	})
	if word == with {
		if len(candidates) > 0 {
			fmt.Fprintf(printable{screen}, "%s\n", strings.Join(candidates[:min(len(candidates), 200)], "   "))
		}
		return "", 0, false
	}
	done := line[:pos-len(word)] + with
	return done + line[pos:], len(done), true
}

// printable writes to a terminal what cannot change its state: a znode's data may
// hold anything.
type printable struct{ w io.Writer }

func (p printable) Write(b []byte) (int, error) {
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return unicode.ReplacementChar
	}, string(b))
	if _, err := io.WriteString(p.w, clean); err != nil {
		return 0, err
	}
	return len(b), nil
}
