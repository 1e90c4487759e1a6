package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver"
)

// serve runs a server for an example. A real program connects to one that is
// there already.
func serve() (cfg coordinator.Config, stop func()) {
	dir, err := os.MkdirTemp("", "mw-example-")
	if err != nil {
		log.Fatal(err)
	}
	server, err := zkserver.Open(zkserver.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Run(ctx) }()
	return coordinator.Config{Servers: []string{server.Addr().String()}}, func() {
		cancel()
		<-done
		_ = os.RemoveAll(dir)
	}
}

func Example() {
	cfg, stop := serve()
	defer stop()
	ctx := context.Background()

	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.EnsureTree(ctx); err != nil {
		log.Fatal(err)
	}
	spec := coordinator.Spec{Shell: "echo hi"}
	path, err := s.Create(ctx, coordinator.TaskPrefix, spec.Encode(), coordinator.Sequential)
	if err != nil {
		log.Fatal(err)
	}
	data, _, err := s.Get(ctx, path)
	fmt.Println(path, string(data), err)
	// Output: /tasks/task-0000000000 {"shell":"echo hi"} <nil>
}

// A follower gives the state, not the events: what was missed does not matter.
func ExampleSession_FollowChildren() {
	cfg, stop := serve()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	states := s.FollowChildren(ctx, "/queue")
	fmt.Println((<-states).Exists)
	for _, path := range []string{"/queue", "/queue/a", "/queue/b"} {
		if _, err := s.Create(ctx, path, nil, coordinator.Persistent); err != nil {
			log.Fatal(err)
		}
	}
	for state := range states {
		if len(state.Names) == 2 {
			fmt.Println("both are there")
			break
		}
	}
	// Output:
	// false
	// both are there
}

// Being master is a term: whatever is written under it names it, and is refused
// once another term has begun.
func ExampleSession_Campaign() {
	cfg, stop := serve()
	defer stop()
	ctx := context.Background()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	term, err := s.Campaign(ctx, "m1:2223")
	if err != nil {
		log.Fatal(err)
	}
	_, err = term.Multi(ctx, coordinator.CreateOp("/assign/w1", nil, coordinator.Persistent))
	fmt.Println("as master:", err)

	if err := term.Resign(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = term.Multi(ctx, coordinator.DeleteOp("/assign/w1", coordinator.AnyVersion))
	fmt.Println("afterwards:", errors.Is(err, coordinator.ErrTermEnded))
	// Output:
	// as master: <nil>
	// afterwards: true
}

func ExampleSession_Lock() {
	cfg, stop := serve()
	defer stop()
	ctx := context.Background()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	lock, err := s.Lock(ctx, "/locks/backup")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("held:", lock.Context().Err() == nil, "fence:", lock.Fence() > 0)
	fmt.Println("released:", lock.Unlock(ctx))
	// Output:
	// held: true fence: true
	// released: <nil>
}

// A list of servers that follows them as they come and go.
func ExampleSession_FollowMembers() {
	cfg, stop := serve()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	list := s.FollowMembers(ctx, "/servers")
	fmt.Println("at first:", len(<-list))
	member, err := s.Join(ctx, "/servers", []byte("web1:80"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("joined: %s\n", (<-list)[0].Data)
	if err := member.Leave(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", len(<-list))
	// Output:
	// at first: 0
	// joined: web1:80
	// left: 0
}

// What comes to a big directory is told without listing it.
func ExampleSession_FollowSequence() {
	cfg, stop := serve()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.EnsureTree(ctx); err != nil {
		log.Fatal(err)
	}
	known := make(map[string]bool)
	for entries := range s.FollowSequence(ctx, coordinator.TasksPath, "task-") {
		if entries.Whole {
			clear(known) // whoever is not among the names is gone
		}
		for _, name := range entries.Names {
			known[name] = true
		}
		if len(known) == 1 {
			fmt.Println(known)
			break
		}
		if _, err := s.Create(ctx, coordinator.TaskPrefix, nil, coordinator.Sequential); err != nil {
			log.Fatal(err)
		}
	}
	// Output: map[task-0000000000:true]
}

func ExampleParseSpec() {
	for _, data := range []string{
		`wc -w README.md`,
		`{"argv": ["wc", "-w", "README.md"], "timeout": 10}`,
		`{"control": "cancel", "task": "task-0000000042"}`,
	} {
		spec, err := coordinator.ParseSpec([]byte(data))
		fmt.Printf("%q %q %q %v\n", spec.Shell, spec.Argv, spec.Control, err)
	}
	// Output:
	// "wc -w README.md" [] "" <nil>
	// "" ["wc" "-w" "README.md"] "" <nil>
	// "" [] "cancel" <nil>
}

func ExampleParseServers() {
	fmt.Println(coordinator.ParseServers("zk1:2181,zk2,[::1]:2183/mw/prod"))
	// Output: [zk1:2181 zk2:2181 [::1]:2183] /mw/prod <nil>
}
