package zkshell

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// configPath is where the ensemble's members are, outside any chroot.
const configPath = "/zookeeper/config"

func showConfig(ctx context.Context, k *call) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	var r wire.GetDataResponse
	_, err := k.c.Do(ctx, wire.OpGetData, &wire.PathWatchRequest{Path: configPath, Watch: k.has("w")}, &r)
	if err != nil {
		return refused(err, configPath)
	}
	if k.has("c") {
		fmt.Fprintln(k.out, connectString(string(r.Data)))
	} else {
		io.WriteString(k.out, formatData(r.Data))
	}
	if k.has("s") {
		k.stat(r.Stat)
	}
	return nil
}

// connectString is the version of a configuration and where its members serve
// clients: of "server.1=host:2888:3888:participant;0.0.0.0:2181" the end.
func connectString(config string) string {
	version := ""
	var servers []string
	for line := range strings.Lines(config) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case key == "version":
			version = value
		case strings.HasPrefix(key, "server."):
			if _, addr, ok := strings.Cut(value, ";"); ok {
				if !strings.Contains(addr, ":") {
					addr = "0.0.0.0:" + addr
				}
				servers = append(servers, addr)
			}
		}
	}
	return version + " " + strings.Join(servers, ",")
}

func reconfig(ctx context.Context, k *call) error {
	q, err := k.reconfiguration()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	data, s, err := k.c.Reconfig(ctx, q)
	if err != nil {
		return refused(err, "")
	}
	fmt.Fprintf(k.out, "Committed new configuration:\n%s", formatData(data))
	if k.has("s") {
		k.stat(s)
	}
	return nil
}

// reconfiguration reads the options of reconfig.
func (k *call) reconfiguration() (q wire.ReconfigRequest, err error) {
	whole := k.has("file") || k.has("members")
	if !whole && !k.has("add") && !k.has("remove") {
		return q, k.cmd.usageError()
	}
	q.CurConfigID = -1
	if k.has("v") {
		if q.CurConfigID, err = strconv.ParseInt(k.values["v"], 16, 64); err != nil {
			return q, failf("-v must be followed by a long (configuration version)")
		}
	}
	if whole && (k.has("add") || k.has("remove")) {
		return q, failf("Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)")
	}
	if k.has("file") && k.has("members") {
		return q, failf("Can't use -file and -members together (conflicting non-incremental modes)")
	}
	text := func(name string) []byte {
		if !k.has(name) {
			return nil
		}
		return []byte(strings.ToLower(k.values[name]))
	}
	q.JoiningServers, q.LeavingServers, q.NewMembers = text("add"), text("remove"), text("members")
	if k.has("file") {
		q.NewMembers, err = k.membersFile(k.values["file"])
	}
	return q, err
}

// membersFile reads the lines of a dynamic configuration file that name members.
func (k *call) membersFile(name string) ([]byte, error) {
	data, err := k.cfg.ReadFile(name)
	if err != nil {
		return nil, failf("Error processing %s%s (%s)", name, name, reason(err))
	}
	var members []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		for _, key := range []string{"server.", "group.", "weight."} {
			if strings.HasPrefix(line, key) {
				members = append(members, line)
			}
		}
	}
	return []byte(strings.Join(members, "\n")), nil
}

// reason is the end of a file's error, in Java's spelling.
func reason(err error) string {
	text := err.Error()
	text = text[strings.LastIndexByte(text, ':')+1:]
	text = strings.TrimSpace(text)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func version(_ context.Context, k *call) error {
	if len(k.args) > 1 {
		return k.cmd.usageError()
	}
	fmt.Fprintf(k.out, "ZooKeeper CLI version: %s\n", k.cfg.Version)
	return nil
}

func closeSession(_ context.Context, k *call) error { return k.c.Close() }
