package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/zoocfg"
	"github.com/urfave/cli/v2"
)

// memberFlags reads the members from flags, which beat those of the file.
func (s *settings) memberFlags(c *cli.Context) error {
	if !c.IsSet("member") {
		return nil
	}
	s.Servers = nil
	for _, text := range c.StringSlice("member") {
		m, err := zoocfg.ParseMember(text)
		if err != nil {
			return usagef(c, "--member: %q %v", text, err)
		}
		i, found := slices.BinarySearchFunc(s.Servers, m, func(a, b zoocfg.Server) int { return cmp.Compare(a.ID, b.ID) })
		if found {
			return usagef(c, "--member: %d is there twice: each member has its own number", m.ID)
		}
		s.Servers = slices.Insert(s.Servers, i, m)
	}
	return nil
}

// several reports whether this server is one of an ensemble.
func (s *settings) several(c *cli.Context) bool {
	return len(s.Servers) > 1 || c.IsSet("member")
}

// findSelf finds out which of the members this is, and what its line says.
func (s *settings) findSelf(c *cli.Context) error {
	if !s.several(c) {
		for _, flag := range []string{"id", "peer-listen"} {
			if c.IsSet(flag) {
				return usagef(c, "--%s goes with --member, or with server.N lines in --config", flag)
			}
		}
		if !s.ownData(c) && s.DataDir != "" {
			_, err := s.readID(false) // a single server needs none, but no nonsense either
			return err
		}
		return nil
	}
	var err error
	switch {
	case c.IsSet("id"):
		s.id = c.Int("id")
	case s.DataDir != "":
		s.id, err = s.readID(true)
	default:
		return usagef(c, "--member: which of the members is this one? Say it with --id N")
	}
	if err != nil {
		return err
	}
	if err := s.TakePart(s.from(), s.id); err != nil {
		if c.IsSet("id") && c.IsSet("member") {
			return usagef(c, "--id is %d, which is not one of the members: add --member %d=HOST:PORT, on all members alike", s.id, s.id)
		}
		return badFile(err)
	}
	return nil
}

// readID reads the file that says which of the servers this is.
func (s *settings) readID(needed bool) (int, error) {
	name := filepath.Join(s.DataDir, "myid")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if !needed {
			return 0, nil
		}
		return 0, badFile(fmt.Errorf("%s lists %d servers, but there is no file %s to say which one this is: write its number there, or give it with --id", s.from(), len(s.Servers), name))
	}
	if err != nil {
		return 0, badFile(err)
	}
	id, err := zoocfg.ParseID(name, text)
	return id, badFile(err)
}

// ensemble says with which others the server is to run.
func (s *settings) ensemble(c *cli.Context) (zkserver.Ensemble, error) {
	if !s.several(c) {
		return zkserver.Ensemble{}, nil
	}
	e := zkserver.Ensemble{Number: s.id, Listen: c.String("peer-listen")}
	for _, m := range s.Servers {
		a := m.Addresses[0]
		e.Members = append(e.Members, zkserver.Member{Number: m.ID, Address: joinPort(a.Host, a.Port)})
		if err := peersMayMeet(c, fmt.Sprintf("member %d", m.ID), a.Host); err != nil {
			return e, err
		}
	}
	if e.Listen != "" {
		host, _, err := net.SplitHostPort(e.Listen)
		if err != nil {
			return e, usagef(c, "--peer-listen: %q is no address like 0.0.0.0:2888", e.Listen)
		}
		return e, peersMayMeet(c, "--peer-listen", host)
	}
	return e, nil
}

// peersMayMeet holds the rule that members speak to each other on this machine
// only, or over TLS, or by --insecure.
func peersMayMeet(c *cli.Context, who, host string) error {
	if loopback(host) || c.Bool("insecure") {
		return nil
	}
	return &failure{
		err:  fmt.Errorf("%s: %s is on the network, and members would speak to each other there without TLS: who reaches that port may write anything", who, cmp.Or(host, "all addresses")),
		code: exitUsage,
		hint: "add --insecure if the network is closed",
	}
}
