package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/mwqueue/mw/zkserver/zoocfg"
	"github.com/urfave/cli/v2"
)

// A membership is what /zookeeper/config says.
type membership struct {
	Version string         `json:"version"`
	Members []listedMember `json:"members"`

	version int64
	asked   bool // what state they are in
}

type listedMember struct {
	Number  int    `json:"number"`
	Address string `json:"address"`
	Role    string `json:"role"`
	Client  string `json:"client,omitempty"`
	State   string `json:"state,omitempty"` // leader, follower or observer, if it says so

	spec string // what stands behind "server.N="
}

// parseMembership reads the lines of /zookeeper/config.
func parseMembership(text string) (m membership, err error) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "version" {
			m.Version = value
			if m.version, err = strconv.ParseInt(value, 16, 64); err != nil {
				return m, fmt.Errorf("/zookeeper/config: version is %q, must be a hexadecimal number", value)
			}
		}
		number, ok := strings.CutPrefix(key, "server.")
		if !ok {
			continue
		}
		s, err := zoocfg.ParseMember(number + "=" + value)
		if err != nil {
			return m, fmt.Errorf("/zookeeper/config: %q %w", line, err)
		}
		one := listedMember{Number: s.ID, Address: joinPort(s.Addresses[0].Host, s.Addresses[0].Port), Role: "participant", spec: value}
		if s.Observer {
			one.Role = "observer"
		}
		if s.ClientPort != 0 {
			one.Client = joinPort(s.ClientAddress, s.ClientPort)
		}
		m.Members = append(m.Members, one)
	}
	slices.SortFunc(m.Members, func(a, b listedMember) int { return a.Number - b.Number })
	return m, nil
}

// named are the members that the arguments name by their numbers.
func (m membership) named(c *cli.Context) (found []listedMember, err error) {
	for _, text := range c.Args().Slice() {
		i := slices.IndexFunc(m.Members, func(one listedMember) bool { return strconv.Itoa(one.Number) == text })
		if i < 0 {
			return nil, usagef(c, "there is no member %q: there are %s", text, strings.Join(m.numbers(), ", "))
		}
		found = append(found, m.Members[i])
	}
	return found, nil
}

func (m membership) numbers() []string {
	var all []string
	for _, one := range m.Members {
		all = append(all, strconv.Itoa(one.Number))
	}
	return all
}

// owns finds the member that has an address already which another is to get.
func (m membership) owns(other zoocfg.Server) (number int, addr string, found bool) {
	a := other.Addresses[0]
	wanted := []string{joinPort(a.Host, a.Port), joinPort(a.Host, a.ElectionPort)}
	if other.ClientPort != 0 {
		wanted = append(wanted, joinPort(other.ClientAddress, other.ClientPort))
	}
	for _, one := range m.Members {
		if one.Number == other.ID {
			continue // which may move
		}
		for _, addr := range wanted {
			if addr == one.Address || addr == one.Client && !onAll(addr) {
				return one.Number, addr, true
			}
		}
	}
	return 0, "", false
}

func (m membership) print(c *cli.Context) error {
	w := c.App.Writer
	switch global(c, "output") {
	case "json":
		return writeJSON(w, m)
	case "jsonl":
		enc := json.NewEncoder(w)
		for _, one := range m.Members {
			if err := enc.Encode(one); err != nil {
				return err
			}
		}
		return nil
	case "id":
		for _, one := range m.Members {
			fmt.Fprintln(w, one.Number)
		}
		return nil
	}
	if len(m.Members) == 0 {
		note("the server stands alone: it has no members")
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "MEMBER\tADDRESS\tROLE\tCLIENTS"
	if m.asked {
		head += "\tSTATE"
	}
	fmt.Fprintln(tw, head)
	for _, one := range m.Members {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s", one.Number, one.Address, one.Role, cmp.Or(one.Client, "-"))
		if m.asked {
			fmt.Fprintf(tw, "\t%s", cmp.Or(one.State, "-"))
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "version %s\n", m.Version)
	return err
}
