// Command serverlist shows a list of servers that every client follows as servers
// come and go.
//
// A server joins a group: it makes an ephemeral sequential znode under the
// group's path that holds its address. It is on the list for as long as its
// session lives, so that one that dies leaves the list by itself. A client
// follows the children of that path and is told at once.
//
//	go run ./examples/serverlist                                    the whole story
//	go run ./examples/serverlist -servers HOST:PORT -serve web1:80  one server
//	go run ./examples/serverlist -servers HOST:PORT -follow         one client
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/examples/service"
)

const path = "/examples/servers"

func main() {
	servers := flag.String("servers", "", "use the service at `HOST:PORT,…` (default: one of our own)")
	serving := flag.String("serve", "", "be the server at `ADDR`")
	following := flag.Bool("follow", false, "be a client")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *servers, *serving, *following); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "serverlist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, servers, serving string, following bool) error {
	cfg, stop, err := service.Open(servers)
	if err != nil {
		return err
	}
	defer stop()
	switch {
	case serving != "":
		return serve(ctx, cfg, serving)
	case following:
		return follow(ctx, os.Stdout, cfg)
	}
	return story(ctx, os.Stdout, cfg)
}

// serve is what a server does to be on the list until ctx ends. A session that is
// lost is no reason to end: it comes back with another.
func serve(ctx context.Context, cfg coordinator.Config, addr string) error {
	for ctx.Err() == nil {
		s, err := coordinator.Connect(ctx, cfg)
		if err != nil {
			return err
		}
		cfg.ConnectTimeout = 0 // there was a service once
		member, err := s.Join(ctx, path, []byte(addr))
		if err == nil {
			select {
			case <-member.Context().Done():
			case <-ctx.Done():
			}
		}
		_ = s.Close() // and with it the znode is gone
		if err != nil && !errors.Is(err, coordinator.ErrSessionLost) {
			return err
		}
	}
	return nil
}

// follow is what a client does to know the list until ctx ends. While the service
// is away it goes on with the list that it has.
func follow(ctx context.Context, out io.Writer, cfg coordinator.Config) error {
	for ctx.Err() == nil {
		s, err := coordinator.Connect(ctx, cfg)
		if err != nil {
			return err
		}
		cfg.ConnectTimeout = 0 // there was a service once
		for members := range s.FollowMembers(ctx, path) {
			fmt.Fprintln(out, "servers:", addresses(members))
		}
		lost := context.Cause(s.Context())
		_ = s.Close()
		if ctx.Err() == nil {
			fmt.Fprintln(out, "servers: as they were;", lost)
		}
	}
	return nil
}

// addresses are in the order the servers came.
func addresses(members []coordinator.Member) []string {
	addrs := make([]string, len(members))
	for i, m := range members {
		addrs[i] = string(m.Data)
	}
	return addrs
}
