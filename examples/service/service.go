// Package service gives an example a coordination service to run on: the one
// that is named, or one in this process that forgets everything at the end.
package service

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver"
)

// SessionTimeout is short, so that one who died is soon missed.
const SessionTimeout = 2 * time.Second

// Open returns how to reach the servers, "host:port,…/chroot", or a server of our
// own if there are none. The caller calls stop in the end.
func Open(servers string) (cfg coordinator.Config, stop func(), err error) {
	stop = func() {}
	if servers == "" {
		if servers, stop, err = serve(); err != nil {
			return cfg, nil, err
		}
	}
	cfg = coordinator.Config{SessionTimeout: SessionTimeout, ConnectTimeout: 10 * time.Second}
	cfg.Servers, cfg.Chroot, err = coordinator.ParseServers(servers)
	return cfg, stop, err
}

func serve() (addr string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "mw-example-")
	if err != nil {
		return "", nil, err
	}
	server, err := zkserver.Open(zkserver.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("start a server: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		_ = server.Run(ctx)
	}()
	return server.Addr().String(), func() {
		cancel()
		<-done
		_ = os.RemoveAll(dir)
	}, nil
}
