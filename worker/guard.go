package worker

import "io"

// RunGuard is the guard process: it starts the commands a worker asks for over
// in, reports on out, and returns the process's exit status once in has ended
// and no command is alive.
func RunGuard(in io.Reader, out io.Writer) int { panic("todo") }
