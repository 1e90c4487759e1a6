package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/master"
	"github.com/mwqueue/mw/submit"
	"github.com/mwqueue/mw/worker"
	"github.com/mwqueue/mw/zkserver"
)

// A whole queue in one process: a server, a master, a worker with a Go
// handler, and a client.
func Example() {
	dir, err := os.MkdirTemp("", "mw-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	server, err := zkserver.Open(zkserver.Config{Dir: dir + "/server", Listen: "127.0.0.1:0"})
	if err != nil {
		log.Fatal(err)
	}
	service := coordinator.Config{Servers: []string{server.Addr().String()}}
	m, err := master.New(master.Config{Coordinator: service})
	if err != nil {
		log.Fatal(err)
	}
	w, err := worker.New(worker.Config{
		Coordinator: service,
		Dir:         dir + "/worker",
		Handlers: map[string]worker.Handler{
			"shout": func(_ context.Context, t worker.Task) ([]byte, error) { return bytes.ToUpper(t.Payload), nil },
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	defer inBackground(ctx, func(ctx context.Context) { _ = server.Run(ctx) })()
	defer inBackground(ctx, func(ctx context.Context) { _ = m.Run(ctx) })()
	defer inBackground(ctx, func(ctx context.Context) { _ = w.Run(ctx, nil) })()

	client, err := submit.Open(submit.Config{Coordinator: service})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	task, err := client.Submit(ctx, coordinator.Spec{Handler: "shout", Payload: []byte(`"hello"`)})
	if err != nil {
		log.Fatal(err)
	}
	result, err := task.Wait(ctx)
	fmt.Printf("%s %s %v\n", result.Status, result.Last.Stdout, err)
	// Output: done "HELLO" <nil>
}

// inBackground calls run until stop is called, which waits for it.
func inBackground(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}
