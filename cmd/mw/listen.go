package main

import (
	"fmt"
	"net"

	"github.com/urfave/cli/v2"
)

func insecureFlag() cli.Flag {
	return &cli.BoolFlag{Name: "insecure", Usage: "allow addresses that other machines can reach without TLS"}
}

// checkListen holds the rule about addresses: loopback, or --insecure, said
// loudly, because whoever reaches the tree runs commands on every worker.
func checkListen(c *cli.Context, addr, danger string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef(c, "--listen: %q is no address like 127.0.0.1:2181", addr)
	}
	if loopback(host) {
		return nil
	}
	if !c.Bool("insecure") {
		return &failure{
			err:  fmt.Errorf("--listen %s can be reached from other machines, and there is neither TLS nor authentication: %s", addr, danger),
			code: exitUsage,
			hint: "listen on 127.0.0.1, or add --insecure if the network is closed",
		}
	}
	note("WARNING: %s can be reached from other machines, without TLS or authentication: %s", addr, danger)
	return nil
}

// loopback reports whether host is this machine only. An empty host is every
// address, and a name may be any.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
