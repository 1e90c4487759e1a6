package main

import (
	"context"
	"net"
	"slices"
	"sync"

	"github.com/mwqueue/mw/zkserver/client"
)

// askStates asks each member what it is, where the list says that it serves clients.
// Where it does not, those servers are asked that the client is configured with.
func (m *membership) askStates(ctx context.Context, cfg client.Config) {
	m.asked = true
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	at := make([]string, len(m.Members))
	for i, one := range m.Members {
		at[i] = one.clientAddress()
	}
	var wg sync.WaitGroup
	numbers, states := make([]int, len(cfg.Servers)), make([]string, len(cfg.Servers))
	for i, addr := range cfg.Servers {
		if slices.Contains(at, addr) || !slices.Contains(at, "") {
			continue
		}
		wg.Go(func() { numbers[i], states[i] = askNumbered(ctx, cfg, addr) })
	}
	wg.Wait()
	for i := range m.Members {
		if known := slices.Index(numbers, m.Members[i].Number); known >= 0 && at[i] == "" {
			m.Members[i].State = states[known]
		}
	}
	for i := range m.Members {
		if at[i] != "" {
			wg.Go(func() { m.Members[i].State = stateAt(ctx, cfg.Dial, at[i]) })
		}
	}
	wg.Wait()
}

// askNumbered asks a server of which it is not known who it is. The first byte of a
// session's id is the number of the server that has opened it, as at Apache
// ZooKeeper (SessionTrackerImpl.initializeNextSessionId).
func askNumbered(ctx context.Context, cfg client.Config, addr string) (number int, state string) {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	cfg.Servers = []string{addr}
	cl, err := client.Dial(ctx, cfg)
	if err != nil {
		return 0, "" // it is not there
	}
	number = int(uint64(cl.Session().ID) >> 56)
	cl.Close()
	return number, stateAt(ctx, cfg.Dial, addr)
}

// stateAt is what a server says that it is, or "" if it says nothing.
func stateAt(ctx context.Context, dial dialer, addr string) string {
	text, err := askWord(ctx, dial, addr, "srvr")
	if err != nil {
		return ""
	}
	st := &serverStatus{}
	if st.parseServer(text) != nil {
		return ""
	}
	return st.Mode
}

// clientAddress is where clients reach a member, or "" if it is not known. One that
// serves on all addresses is where the other members reach it.
func (m listedMember) clientAddress() string {
	host, port, err := net.SplitHostPort(m.Client)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host, _, _ = net.SplitHostPort(m.Address)
	}
	return net.JoinHostPort(host, port)
}
