package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
)

// serviceStatus is what several servers tell, of which each is asked. Fields are
// only ever added.
type serviceStatus struct {
	Leader  string         `json:"leader"`  // "" for none
	Serving int            `json:"serving"` // how many serve, each counted once
	Quorum  *int64         `json:"quorum,omitempty"`
	Servers []memberStatus `json:"servers"`
}

type memberStatus struct {
	*serverStatus        // nil if it does not serve
	Server        string `json:"server"`
	Behind        *int64 `json:"behind,omitempty"` // writes that the leader has and it has not
	Error         string `json:"error,omitempty"`
	SameAs        string `json:"sameAs,omitempty"` // this is another name of that server

	at string // the address that was called
}

// askAll asks all servers at the same time.
func askAll(ctx context.Context, dial dialer, addrs []string) *serviceStatus {
	all := &serviceStatus{Servers: make([]memberStatus, len(addrs))}
	var wg sync.WaitGroup
	for i, addr := range addrs {
		m := &all.Servers[i]
		m.Server = addr
		wg.Go(func() {
			st, err := askServer(ctx, noting(dial, &m.at), addr)
			if err != nil {
				m.Error = strings.TrimPrefix(oneLine(err), addr+": ")
				return
			}
			m.serverStatus = st
		})
	}
	wg.Wait()
	all.findSame()
	all.compare()
	return all
}

// noting is dial and notes the address that a name stands for.
func noting(dial dialer, at *string) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err == nil {
			*at = nc.RemoteAddr().String()
		}
		return nc, err
	}
}

// findSame finds the names of servers that have a name before.
func (all *serviceStatus) findSame() {
	for i := range all.Servers {
		m := &all.Servers[i]
		first := slices.IndexFunc(all.Servers, func(o memberStatus) bool { return o.at == m.at })
		if m.at != "" && first < i {
			m.SameAs = all.Servers[first].Server
		}
	}
}

// compare finds the leader and how far the others are behind.
func (all *serviceStatus) compare() {
	var newest int64
	for _, m := range all.Servers {
		if m.serverStatus == nil {
			continue
		}
		if m.SameAs == "" {
			all.Serving++
		}
		if m.Mode == "leader" {
			all.Leader, newest, all.Quorum = m.Server, m.position(), m.Voters
		}
	}
	if all.Leader == "" {
		return
	}
	for i := range all.Servers {
		m := &all.Servers[i]
		// In another epoch the counts do not compare.
		if at := position(m.serverStatus); m.serverStatus != nil && at>>32 == newest>>32 {
			m.Behind = new(max(newest-at, 0))
		}
	}
}

func position(st *serverStatus) int64 {
	if st == nil {
		return 0
	}
	return st.position()
}

// position is the zxid as a number.
func (st *serverStatus) position() int64 {
	n, _ := strconv.ParseInt(strings.TrimPrefix(st.Zxid, "0x"), 16, 64)
	return n
}

// print shows one server a line, and then whether there is a service.
func (all *serviceStatus) print(c *cli.Context) error {
	w := c.App.Writer
	switch global(c, "output") {
	case "json":
		return errors.Join(writeJSON(w, all), all.problem())
	case "jsonl":
		enc := json.NewEncoder(w)
		for _, m := range all.Servers {
			if err := enc.Encode(m); err != nil {
				return err
			}
		}
		return all.problem()
	case "id":
		if all.Leader != "" {
			fmt.Fprintln(w, all.Leader)
		}
		return all.problem()
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SERVER\tMODE\tTERM\tZXID\tBEHIND\tCLIENTS\tUPTIME")
	for _, m := range all.Servers {
		if m.serverStatus == nil {
			fmt.Fprintf(tw, "%s\tdown\t-\t-\t-\t-\t-\n", m.Server)
			continue
		}
		uptime := "-"
		if m.UptimeMilli != nil {
			uptime = took(time.Duration(*m.UptimeMilli) * time.Millisecond)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.Server, m.Mode, number(m.Term), m.Zxid, number(m.Behind), m.Connections, uptime)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	all.explain()
	return all.problem()
}

// explain says on stderr what the table has no place for.
func (all *serviceStatus) explain() {
	mute, foreign := false, false
	for _, m := range all.Servers {
		switch {
		case m.SameAs != "":
			note("%s and %s are one server", m.SameAs, m.Server)
		case m.serverStatus == nil:
			note("%s: %s", m.Server, m.Error)
		default:
			mute = mute || m.UptimeMilli == nil
			foreign = foreign || m.UptimeMilli != nil && m.Term == nil && m.Mode != "standalone"
		}
	}
	if mute {
		note("hint: %s", muteHint)
	}
	if foreign {
		note("hint: only mw's servers tell a term")
	}
}

// muteHint is about servers that answer srvr alone.
const muteHint = "a server tells its term and uptime when it is started with --words srvr,mntr"

// problem says why the servers are not one service, or nil.
func (all *serviceStatus) problem() error {
	named := 0 // how many servers there are names of
	for _, m := range all.Servers {
		if m.SameAs == "" {
			named++
		}
	}
	for _, m := range all.Servers {
		if m.serverStatus != nil && m.Mode == "standalone" {
			if named == 1 {
				return nil
			}
			return &failure{
				err:  fmt.Errorf("%s stands alone: clients that are given the others too would see different trees, unless those are names of the same server", m.Server),
				code: exitFailed,
				hint: "start each server with the list of all, by --member or server.N lines",
			}
		}
	}
	if all.Leader != "" {
		return nil
	}
	return &failure{
		err:  fmt.Errorf("%d of %d servers serve, and none of them leads", all.Serving, named),
		code: exitNoServer,
		hint: "more than half of the members must run and reach each other: their logs say what they miss",
	}
}

// number shows a number that may not be known.
func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}
