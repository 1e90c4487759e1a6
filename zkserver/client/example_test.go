package client_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A session: a znode is made, read with a watch, and changed.
func Example() {
	addr, stop := startServer()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	c, err := client.Dial(ctx, client.Config{
		Servers: []string{addr},
		OnEvent: func(e wire.WatcherEvent) {
			if e.Type == wire.EventDataChanged {
				fmt.Println("changed:", e.Path)
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	c.Create(ctx, "/app", []byte("one"), wire.FlagPersistent, client.OpenACL)
	data, stat, err := c.Get(ctx, "/app", true)
	fmt.Println(string(data), stat.Version, err)
	_, err = c.Set(ctx, "/app", []byte("two"), 7)
	fmt.Println(err)
	stat, err = c.Set(ctx, "/app", []byte("two"), stat.Version)
	fmt.Println(stat.Version, err)

	// Output:
	// one 0 <nil>
	// client: setData /app: bad version
	// changed: /app
	// 1 <nil>
}

// startServer starts a server on a temporary directory.
func startServer() (addr string, stop func()) {
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		panic(err)
	}
	server, err := zkserver.Open(zkserver.Config{Listen: "127.0.0.1:0", Dir: dir})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }() // ends with cancel
	return server.Addr().String(), func() {
		cancel()
		<-ended
		os.RemoveAll(dir)
	}
}
