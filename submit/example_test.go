package submit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/local"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/worker"
)

// A task for a Go handler: submit it, wait for its recorded outcome, read what
// it returned.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	q, closeQueue := startQueue(ctx)
	defer closeQueue()
	defer stop()

	c, err := submit.Open(submit.Config{Coordinator: q.Coordinator()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	h, err := c.Submit(ctx, coordinator.Spec{Handler: "greet", Payload: json.RawMessage(`"world"`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := h.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.ID(), r.Status, "exit", r.ExitCode())
	if err := h.Output(ctx, r, submit.Stdout, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// task-0000000000 done exit 0
	// hello world
}

// startQueue runs a queue whose workers greet, until ctx ends.
func startQueue(ctx context.Context) (q *local.Queue, end func()) {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	q, err = local.Open(local.Config{Dir: dir, Handlers: map[string]worker.Handler{
		"greet": func(_ context.Context, t worker.Task) ([]byte, error) {
			var name string
			err := json.Unmarshal(t.Payload, &name)
			return fmt.Appendf(nil, "hello %s\n", name), err
		},
	}})
	if err != nil {
		panic(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = q.Run(ctx)
	}()
	return q, func() {
		<-done
		os.RemoveAll(dir)
	}
}
