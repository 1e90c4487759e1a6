package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/mwqueue/mw/zkserver/client"
)

// statesTime is how long the members may take to say what they are: the list is
// known without.
const statesTime = 2 * time.Second

// An answer is what a server says that it is.
type answer struct {
	server string // where it was asked
	number int    // of the member, -1 if it is not known
	state  string // "" if it said nothing
	why    error  // why it said nothing
}

// askStates asks each member what it is, where the list says that it serves clients.
// Where it does not, those servers are asked that the client is configured with. All
// are asked at the same time. It returns what is to be said of those that are silent.
func (m *membership) askStates(ctx context.Context, cfg client.Config) (silent []string) {
	m.asked = true
	ctx, cancel := context.WithTimeout(ctx, statesTime)
	defer cancel()
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	var answers []answer
	listed, hidden := []string(nil), false
	for _, one := range m.Members {
		if addr := one.clientAddress(); addr != "" {
			listed = append(listed, addr)
			answers = append(answers, answer{server: addr, number: one.Number})
		} else {
			hidden = true
		}
	}
	for _, addr := range cfg.Servers {
		if hidden && !slices.Contains(listed, addr) {
			answers = append(answers, answer{server: addr, number: -1})
		}
	}
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i].ask(ctx, cfg) })
	}
	wg.Wait()
	return m.take(answers)
}

// take notes what the members said, and returns what is to be said of the others.
func (m *membership) take(answers []answer) (silent []string) {
	stranger := false // one that is silent, and may be any member
	for _, a := range answers {
		if i := slices.IndexFunc(m.Members, func(one listedMember) bool { return one.Number == a.number }); i >= 0 && a.state != "" {
			m.Members[i].State = a.state
		}
		switch {
		case a.state != "":
		case a.number >= 0:
			silent = append(silent, fmt.Sprintf("member %d says nothing of itself at %s: %s", a.number, a.server, a.reason()))
		default:
			stranger = true
			silent = append(silent, fmt.Sprintf("%s says nothing of itself: %s", a.server, a.reason()))
		}
	}
	for _, one := range m.Members {
		if one.State == "" && one.clientAddress() == "" && !stranger {
			silent = append(silent, fmt.Sprintf("member %d is not asked, as the list does not say where it serves clients: name it in --servers", one.Number))
		}
	}
	return silent
}

// reason is why a server says nothing, without its address.
func (a *answer) reason() string {
	if op, ok := errors.AsType[*net.OpError](a.why); ok {
		return op.Err.Error()
	}
	return oneLine(a.why)
}

// ask asks a server for its state and, if that is not known, who it is. The first
// byte of a session's id is the number of the server that has opened it, as at
// Apache ZooKeeper (SessionTrackerImpl.initializeNextSessionId).
func (a *answer) ask(ctx context.Context, cfg client.Config) {
	if a.state, a.why = stateAt(ctx, cfg.Dial, a.server); a.why != nil || a.number >= 0 {
		return
	}
	cfg.Servers = []string{a.server}
	cl, err := client.Dial(ctx, cfg)
	if err != nil {
		a.state, a.why = "", err
		return
	}
	a.number = int(uint64(cl.Session().ID) >> 56)
	cl.Close()
}

// stateAt is what a server says that it is.
func stateAt(ctx context.Context, dial dialer, addr string) (string, error) {
	text, err := askWord(ctx, dial, addr, "srvr")
	if err != nil {
		return "", err
	}
	st := &serverStatus{}
	if err := st.parseServer(text); err != nil {
		return "", err
	}
	return st.Mode, nil
}

// clientAddress is where clients reach a member, or "" if it is not known. One that
// serves on all addresses is where the other members reach it.
func (m listedMember) clientAddress() string {
	host, port, err := net.SplitHostPort(m.Client)
	if err != nil {
		return ""
	}
	if onAll(m.Client) {
		host, _, _ = net.SplitHostPort(m.Address)
	}
	return net.JoinHostPort(host, port)
}

// onAll reports whether an address stands for all of a machine's.
func onAll(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}
