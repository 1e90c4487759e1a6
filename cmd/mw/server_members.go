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
	"strings"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/zoocfg"
	"github.com/urfave/cli/v2"
)

// memberFlags reads the members from flags, which beat those of the file.
func (s *settings) memberFlags(c *cli.Context) error {
	for flag, field := range map[string]*string{"peer-cert": &s.PeerTLS.KeyStore, "peer-ca": &s.PeerTLS.TrustStore} {
		if c.IsSet(flag) {
			*field, s.PeerTLS.On = c.String(flag), true
		}
	}
	switch cert, key, ca := c.IsSet("peer-cert"), c.IsSet("peer-key"), c.IsSet("peer-ca"); {
	case key && !cert, (cert || ca) && (s.PeerTLS.KeyStore == "" || s.PeerTLS.TrustStore == ""):
		return usagef(c, "--peer-cert and --peer-ca go together, and --peer-key with them")
	}
	if !c.IsSet("member") {
		return nil
	}
	s.Servers = nil
	for text := range strings.SplitSeq(strings.Join(c.StringSlice("member"), ","), ",") {
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
	return len(s.Servers) > 1 || len(s.Servers) == 1 && !s.Standalone || c.IsSet("member")
}

// findSelf finds out which of the members this is, and what its line says.
func (s *settings) findSelf(c *cli.Context) error {
	if !s.several(c) {
		for _, flag := range []string{"id", "join", "peer-listen", "peer-cert"} {
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
	return s.takePart(c)
}

func (s *settings) takePart(c *cli.Context) error {
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
func (s *settings) ensemble(c *cli.Context) (e zkserver.Ensemble, err error) {
	if !s.several(c) {
		return e, nil
	}
	e.Number, e.Join, e.InitLimit, e.SyncLimit = s.id, c.Bool("join"), s.InitLimit, s.SyncLimit
	if e.Join && len(s.Servers) < 2 {
		return e, usagef(c, "--join: which servers run already? Name one of them with --member N=HOST:PORT, too")
	}
	if e.TLS, err = s.peerTLS(c); err != nil {
		return e, err
	}
	for _, m := range s.Servers {
		a := m.Addresses[0]
		if len(m.Addresses) > 1 {
			s.Warnings = append(s.Warnings, zoocfg.Warning{File: s.from(), Key: fmt.Sprintf("server.%d", m.ID), Text: "has several addresses: the first one counts"})
		}
		member := zkserver.Member{Number: m.ID, Address: joinPort(a.Host, a.Port), ElectionPort: a.ElectionPort, Observer: m.Observer}
		if m.ClientPort != 0 {
			member.Client = joinPort(cmp.Or(m.ClientAddress, "0.0.0.0"), m.ClientPort)
		}
		e.Members = append(e.Members, member)
		if m.ID == s.id {
			e.Listen = s.peerListen(c, a)
		}
		if err := s.peersMayMeet(c, fmt.Sprintf("member %d", m.ID), a.Host); err != nil {
			return e, err
		}
	}
	host, _, err := net.SplitHostPort(e.Listen)
	if err != nil {
		return e, usagef(c, "--peer-listen: %q is no address like 0.0.0.0:2888", e.Listen)
	}
	if !e.Join { // else these are not all
		s.describeMembers()
	}
	return e, s.peersMayMeet(c, "this member listens where", host)
}

// peerListen is where the others reach this member: "" is its own address.
func (s *settings) peerListen(c *cli.Context, own zoocfg.Address) string {
	switch {
	case c.IsSet("peer-listen"):
		return c.String("peer-listen")
	case s.ListenOnAll:
		return joinPort("", own.Port)
	}
	return joinPort(own.Host, own.Port)
}

// describeMembers warns of what is not as it may be meant.
func (s *settings) describeMembers() {
	warn := func(key, format string, args ...any) {
		s.Warnings = append(s.Warnings, zoocfg.Warning{File: s.from(), Key: key, Text: fmt.Sprintf(format, args...)})
	}
	voters, observer := 0, false
	for _, m := range s.Servers {
		if !m.Observer {
			voters++
		}
		observer = observer || m.ID == s.id && m.Observer
	}
	if voters%2 == 0 && voters > 0 {
		warn(fmt.Sprintf("%d voters", voters), "survive the loss of %d, as %d would: an odd number is better", (voters-1)/2, voters-1)
	}
	if s.PeerType == "observer" && !observer {
		warn("peerType", "is observer, but server.%d is not: the line of the server counts, so add :observer to it", s.id)
	}
}

// peerTLS says how members know each other.
func (s *settings) peerTLS(c *cli.Context) (t zkserver.PeerTLS, err error) {
	p := &s.PeerTLS
	if !p.On && !p.Unify {
		return t, nil
	}
	t = zkserver.PeerTLS{
		Cert: p.KeyStore, Key: cmp.Or(c.String("peer-key"), p.KeyStore), CA: p.TrustStore,
		AnyName: p.AnyName, TakePlain: p.Unify, DialPlain: !p.On,
	}
	for _, file := range []string{t.Cert, t.CA} {
		if err := zoocfg.Store(file); err != nil {
			return t, badFile(err)
		}
	}
	return t, nil
}

// peersMayMeet holds the rule that members speak to each other on this machine
// only, or over TLS, or by --insecure.
func (s *settings) peersMayMeet(c *cli.Context, who, host string) error {
	if loopback(host) || c.Bool("insecure") || s.PeerTLS.On && !s.PeerTLS.Unify {
		return nil
	}
	return &failure{
		err:  fmt.Errorf("%s: %s is on the network, and members would speak to each other there without TLS: who reaches that port may write anything", who, cmp.Or(host, "all addresses")),
		code: exitUsage,
		hint: "give each member a certificate with --peer-cert and --peer-ca, or sslQuorum=true and ssl.quorum.keyStore.location and trustStore.location, or add --insecure if the network is closed",
	}
}
