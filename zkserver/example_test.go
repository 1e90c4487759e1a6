package zkserver_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/mwqueue/mw/zkserver"
)

func Example() {
	dir, err := os.MkdirTemp("", "zkserver")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	server, err := zkserver.Open(zkserver.Config{Listen: "127.0.0.1:0", Dir: dir, Words: []string{"ruok"}})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()

	// Any ZooKeeper client may connect to server.Addr(). This one only asks
	// whether the server is well.
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprint(conn, "ruok")
	answer, _ := io.ReadAll(conn)
	fmt.Println(string(answer))

	stop()
	fmt.Println(<-ended)
	// Output:
	// imok
	// <nil>
}
