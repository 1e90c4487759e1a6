package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/urfave/cli/v2"
)

func serverStatusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "tell how a server is",
		UsageText: "mw server status [--server HOST:PORT]\n   mw server status --servers HOST:PORT,…",
		Description: `Asks a server, this one or an Apache ZooKeeper, by the four-letter words srvr and
mntr. A server that does not answer mntr, because it is not in its whitelist,
does not tell of its sessions, watches, data and term: see --words of "mw server".

If there are several --servers, all are asked, and each has a line: BEHIND is how
many writes the leader has and it has not. Names that lead to one address are one
server. The exit code is 69 when none of them leads, 125 when one of several stands
alone.

With --tls-ca it asks where the servers speak TLS.

Examples:
   mw server status
   mw server status --servers zk1:2181,zk2:2181,zk3:2181
   mw server status --server zk2:2181 -o json`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "server", Usage: "ask the server at `HOST:PORT`", DefaultText: "those of --servers"},
			serviceFlags()[0],
		}, tlsFlags(), []cli.Flag{outputFlag()}, logFlags()),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := checkOutput(c); err != nil {
				return err
			}
			addrs, err := statusAddrs(c)
			if err != nil {
				return err
			}
			dial, err := tlsDial(c)
			if err != nil {
				return err
			}
			if dial == nil {
				dial = new(net.Dialer).DialContext
			}
			if len(addrs) > 1 {
				return askAll(c.Context, dial, addrs).print(c)
			}
			st, err := askServer(c.Context, dial, addrs[0])
			if err != nil {
				return err
			}
			return st.print(c)
		},
	}
}

func statusAddrs(c *cli.Context) ([]string, error) {
	if addr := c.String("server"); addr != "" {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return nil, usagef(c, "--server: %q is no address like 127.0.0.1:2181", addr)
		}
		return []string{addr}, nil
	}
	text := global(c, "servers")
	if text == "" {
		return []string{"127.0.0.1:2181"}, nil
	}
	servers, _, err := coordinator.ParseServers(text)
	if err != nil {
		return nil, usagef(c, "--servers: %v", err)
	}
	return servers, nil
}

// serverStatus is what a server tells. Fields are only ever added. Those that
// are nil it did not tell.
type serverStatus struct {
	Server      string       `json:"server"`
	Mode        string       `json:"mode"`
	Version     string       `json:"version"`
	Zxid        string       `json:"zxid"`
	Connections int64        `json:"connections"`
	Outstanding int64        `json:"outstanding"`
	Received    int64        `json:"received"`
	Sent        int64        `json:"sent"`
	Znodes      int64        `json:"znodes"`
	Latency     latencyRange `json:"latencyMillis"`
	Sessions    *int64       `json:"sessions,omitempty"`
	Ephemerals  *int64       `json:"ephemerals,omitempty"`
	Watches     *int64       `json:"watches,omitempty"`
	DataBytes   *int64       `json:"dataBytes,omitempty"`
	OpenFiles   *int64       `json:"openFiles,omitempty"`
	UptimeMilli *int64       `json:"uptimeMillis,omitempty"`

	// Of a member of an ensemble. Lag is how many log entries each member is not
	// known to have, by number; the leader alone tells it.
	Term   *int64           `json:"term,omitempty"`
	Leader *int64           `json:"leader,omitempty"`
	Voters *int64           `json:"voters,omitempty"`
	Synced *int64           `json:"syncedFollowers,omitempty"`
	Lag    map[string]int64 `json:"lag,omitempty"`
}

type latencyRange struct {
	Min float64 `json:"min"`
	Avg float64 `json:"avg"`
	Max float64 `json:"max"`
}

// statusTime is how long a server may take to answer.
const statusTime = 4 * time.Second

// maxWordAnswer bounds what is read of an answer.
const maxWordAnswer = 1 << 20

// askServer asks for srvr and, if that is allowed, mntr.
func askServer(ctx context.Context, dial dialer, addr string) (*serverStatus, error) {
	text, err := askWord(ctx, dial, addr, "srvr")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", coordinator.ErrNoServer, err)
	}
	st := &serverStatus{Server: addr}
	if err := st.parseServer(text); err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	if text, err = askWord(ctx, dial, addr, "mntr"); err == nil {
		st.parseMonitor(text)
	}
	return st, nil
}

func askWord(ctx context.Context, dial dialer, addr, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	nc, err := dial(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	end, _ := ctx.Deadline()
	nc.SetDeadline(end)
	if _, err := io.WriteString(nc, word); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(nc, maxWordAnswer))
	return string(b), err
}

// parseServer reads the answer to srvr.
func (st *serverStatus) parseServer(text string) error {
	if strings.Contains(text, "is not in the whitelist") {
		return errors.New("the server does not answer srvr: its whitelist of four-letter words leaves it out")
	}
	if strings.Contains(text, "not currently serving requests") {
		return errors.New("it does not serve: it is starting, has no quorum, or is no member any more")
	}
	found := false
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch key {
		case "Zookeeper version":
			st.Version, _, _ = strings.Cut(value, ",")
			found = true
		case "Latency min/avg/max":
			fmt.Sscanf(value, "%g/%g/%g", &st.Latency.Min, &st.Latency.Avg, &st.Latency.Max)
		case "Received":
			st.Received = n
		case "Sent":
			st.Sent = n
		case "Connections":
			st.Connections = n
		case "Outstanding":
			st.Outstanding = n
		case "Zxid":
			st.Zxid = value
		case "Mode":
			st.Mode = value
		case "Node count":
			st.Znodes = n
		}
	}
	if !found {
		return fmt.Errorf("it is no ZooKeeper server, or not serving: it answers %q", short(text, 60))
	}
	return nil
}

// parseMonitor reads the answer to mntr.
func (st *serverStatus) parseMonitor(text string) {
	rows := map[string]**int64{
		"zk_global_sessions": &st.Sessions, "zk_ephemerals_count": &st.Ephemerals, "zk_watch_count": &st.Watches,
		"zk_approximate_data_size": &st.DataBytes, "zk_open_file_descriptor_count": &st.OpenFiles, "zk_uptime": &st.UptimeMilli,
		"zk_raft_term": &st.Term, "zk_raft_leader": &st.Leader, "zk_quorum_size": &st.Voters, "zk_synced_followers": &st.Synced,
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if field := rows[key]; field != nil {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				*field = &n
			}
		}
		if member, ok := strings.CutSuffix(strings.TrimPrefix(key, "zk_member_"), "_lag"); ok && strings.HasPrefix(key, "zk_member_") {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				if st.Lag == nil {
					st.Lag = make(map[string]int64)
				}
				st.Lag[member] = n
			}
		}
	}
}

func (st *serverStatus) print(c *cli.Context) error {
	w := c.App.Writer
	switch global(c, "output") {
	case "json":
		return writeJSON(w, st)
	case "jsonl":
		return json.NewEncoder(w).Encode(st)
	case "id":
		_, err := fmt.Fprintln(w, st.Server)
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(tw, "%s\t%v\n", name, value) }
	told := func(name string, value *int64) {
		if value != nil {
			row(name, *value)
		}
	}
	row("server", st.Server)
	row("mode", st.Mode)
	told("term", st.Term)
	told("leader", st.Leader)
	told("voters", st.Voters)
	told("synced followers", st.Synced)
	for _, member := range slices.Sorted(maps.Keys(st.Lag)) {
		row("lag of "+member, st.Lag[member])
	}
	row("version", st.Version)
	if st.UptimeMilli != nil {
		row("uptime", took(time.Duration(*st.UptimeMilli)*time.Millisecond))
	}
	row("zxid", st.Zxid)
	row("connections", st.Connections)
	told("sessions", st.Sessions)
	row("znodes", st.Znodes)
	told("ephemerals", st.Ephemerals)
	told("watches", st.Watches)
	told("data bytes", st.DataBytes)
	row("outstanding", st.Outstanding)
	row("latency", fmt.Sprintf("min %gms, avg %gms, max %gms", st.Latency.Min, st.Latency.Avg, st.Latency.Max))
	if st.UptimeMilli == nil {
		note("hint: %s", muteHint)
	}
	return tw.Flush()
}
