package zkshell

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds a line of a script: more than any znode holds.
const maxLine = 4 << 20

// Script does the lines of r until its end, quit or the end of ctx. It returns the
// exit code of the last command, as zkCli does; an error is of reading.
func (s *Shell) Script(ctx context.Context, r io.Reader) (int, error) {
	lines := make(chan string)
	done := make(chan error, 1)
	go func() { // ends with r, or with the program when r never does
		in := bufio.NewScanner(r)
		in.Buffer(nil, maxLine)
		for in.Scan() {
			select {
			case lines <- strings.TrimSuffix(in.Text(), "\r"):
			case <-ctx.Done():
				return
			}
		}
		done <- in.Err()
	}()
	for !s.quit {
		select {
		case line := <-lines:
			s.Execute(ctx, line)
		case err := <-done:
			if err != nil {
				err = fmt.Errorf("read script: %w", err)
			}
			return s.code, err
		case <-ctx.Done():
			return s.code, context.Cause(ctx)
		}
	}
	return s.code, nil
}
