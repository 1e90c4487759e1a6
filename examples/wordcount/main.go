// Command wordcount counts the words of the Go standard library with mw, one
// command a source file, while workers come and go and a worker and the
// active master are killed. It exits 0 only if every count is right and was
// recorded once.
//
//	go run ./examples/wordcount -mw bin/mw
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mwqueue/mw/mwtest"
)

func main() { os.Exit(run()) }

func run() int {
	binary := flag.String("mw", "", "the mw `program` (default: bin/mw of this repository)")
	tasks := flag.Int("tasks", 2400, "count at most `N` files")
	keep := flag.Bool("keep", false, "keep the directory with data and logs")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("not done within two minutes"))
	defer cancel()
	if err := demo(ctx, *binary, *tasks, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		return 1
	}
	return 0
}

func demo(ctx context.Context, binary string, tasks int, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "mw-wordcount-")
	if err != nil {
		return err
	}
	defer func() {
		if keep || err != nil {
			fmt.Println("logs and data:", dir)
			return
		}
		os.RemoveAll(dir)
	}()

	files, err := corpus(ctx, tasks)
	if err != nil {
		return fmt.Errorf("read the corpus: %w", err)
	}
	c, err := mwtest.Start(mwtest.Config{Binary: binary, Dir: dir, SessionTimeout: 2 * time.Second})
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := newStory(ctx, c, files)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.tell(ctx); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	return s.verdict(ctx)
}
