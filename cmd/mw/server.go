package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/mwqueue/mw/zkserver"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
)

func serverCommand() *cli.Command {
	return &cli.Command{
		Name:        "server",
		Usage:       "run the coordination server, which speaks ZooKeeper's protocol",
		UsageText:   "mw server [flags]\n   mw server --config zoo.cfg [flags]\n   mw server --id N --member 1=HOST:PORT --member 2=HOST:PORT … [flags]",
		Description: serverDescription,
		Flags:       serverFlags(),
		Subcommands: []*cli.Command{
			serverStatusCommand(),
			serverMembersCommand(),
			serverBackupCommand(),
			serverRestoreCommand(),
			serverImportCommand(),
			serverExportCommand(),
		},
		Action: runServer,
	}
}

const serverDescription = `Serves the tree of znodes through which clients, masters and workers meet, to mw
and to any ZooKeeper client. Prints the address once it listens. Ends on SIGTERM
or Ctrl-C. The flags are below, the examples at the end.

Files:
   What it has acknowledged is on disk, in --data; it may be killed at any time
   and started again on the same directory.
   --config takes the configuration file of Apache ZooKeeper 3.8. Keys without
   effect here are named, and so is what happens instead; flags beat the file.
   The data is in the folder mw of dataDir (of dataLogDir, if that is set),
   beside version-2 of an Apache ZooKeeper server, which is left alone; that
   folder is the --data of backup and import.
   --set gives single keys, with or without a file, by their names in the file
   or as Java's system properties; the other flags beat it.

Who may reach it:
   Whoever can reach it can submit commands to every worker, so it listens on
   this machine only, unless told to do otherwise with --insecure.
   With --tls-listen and --tls-ca clients need a certificate, and any address
   will do; without --listen there is then no other. The subject of a client's
   certificate is an identity of scheme x509.
   Other commands of mw have --tls-ca, --tls-cert and --tls-key of their own,
   with variables MW_TLS_CA and so on, to speak TLS with it; they check that its
   certificate is for the name or address they call it by.

Several servers:
   They are one service when each is told of all of them: by --member and --id,
   or as Apache ZooKeeper is, by server.N lines and the file myid in dataDir. It
   goes on as long as more than half of them run and reach each other: of three,
   any one may be lost. Clients are given the addresses of all:
   --servers zk1:2181,zk2:2181,zk3:2181
   New ones are a service once all have been started, or 10 s after more than
   half. If one has data, from when it ran alone or from a backup, start it
   first: it gives it to the others. It serves nobody until it has heard more
   than half of them, itself included, all new; if one of them is of an ensemble
   already, or has data of its own, it ends and says so.
   They speak on the first port of a server.N line; the second is not used. With
   --peer-cert and --peer-ca, or the sslQuorum keys of zoo.cfg, they know each
   other by certificates, valid for the host of each and for both ends of TLS;
   without, all must be on this machine, or be told --insecure.

Joining a service that runs:
   One that is to be added is started with --join: its list needs itself and any
   one of the others, and nothing is to be changed there. It waits until "mw
   server members add" makes it a member: see "mw help server members".

Reads:
   A read shows what the member has that is asked. What another member has just
   acknowledged may be missing, unless the client syncs first, as with Apache
   ZooKeeper. With --linearizable-reads, or linearizableReads=true in the
   zoo.cfg, a server answers each read as if a sync had gone before: it asks the
   leader, once for all reads that wait, which takes a round trip.

Operators:
   --words says which four-letter words monitoring may ask; by default it is
   srvr alone. --admin answers at http://ADDR/commands and --metrics at
   http://ADDR/metrics; with --config they are as the file says. The former
   answers those alone who call it by an IP address, localhost, the name of the
   machine, or the name that ADDR has.

Examples:
   mw server
   mw server --listen 127.0.0.1:2182 --data /var/lib/mw/server
   mw server --listen 0.0.0.0:2181 --insecure     in a closed network
   mw server --tls-listen :2281 --tls-cert s.pem --tls-key s.pem --tls-ca ca.pem
   mw server --id 1 --member 1=zk1:2888 --member 2=zk2:2888 --member 3=zk3:2888 --peer-cert zk1.pem --peer-ca ca.pem
   mw server --id 4 --member 4=zk4:2888,1=zk1:2888 --join --peer-cert zk4.pem --peer-ca ca.pem
   mw server --config /etc/zookeeper/zoo.cfg --set 4lw.commands.whitelist=ruok,mntr
   mw server status`

// The flags of a server are shown in groups, those of none first.
const (
	ensembleFlags  = "Flags for one of several servers"
	peerTLSFlags   = "Flags for TLS between those"
	clientTLSFlags = "Flags for TLS with clients"
	operatorFlags  = "Flags for operators"
)

func serverFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "configure as the zoo.cfg in `FILE` says"},
		&cli.StringSliceFlag{Name: "set", Aliases: []string{"D"}, Usage: "set `KEY=VALUE` as in a zoo.cfg; may be repeated"},
		&cli.StringFlag{Name: "listen", Usage: "serve on `ADDR`; port 0 takes a free one", DefaultText: "127.0.0.1:2181"},
		dataFlag("server"),
		&cli.StringSliceFlag{Name: "member", Category: ensembleFlags, Usage: "be one of several servers, of which `N=HOST:PORT` is one; may be repeated, or have commas"},
		&cli.IntFlag{Name: "id", Category: ensembleFlags, Usage: "be the member with number `N`", DefaultText: "the one in the file myid of dataDir"},
		&cli.BoolFlag{Name: "join", Category: ensembleFlags, Usage: "be added to servers that run already, of which --member names any"},
		&cli.StringFlag{Name: "peer-listen", Category: ensembleFlags, Usage: "let the other members in on `ADDR`", DefaultText: "the address of this member"},
		&cli.StringFlag{Name: "peer-cert", Category: peerTLSFlags, Usage: "show the other members the certificates in the PEM `FILE`, and speak TLS with them"},
		&cli.StringFlag{Name: "peer-key", Category: peerTLSFlags, Usage: "with the key in `FILE`", DefaultText: "that of --peer-cert"},
		&cli.StringFlag{Name: "peer-ca", Category: peerTLSFlags, Usage: "let members in whose certificates come from those in `FILE`"},
		&cli.BoolFlag{Name: "linearizable-reads", Usage: "show in every read what any member has acknowledged before it"},
		&cli.StringFlag{Name: "tls-listen", Category: clientTLSFlags, Usage: "serve over TLS on `ADDR`"},
		&cli.StringFlag{Name: "tls-cert", Category: clientTLSFlags, Usage: "show the certificates in the PEM `FILE`, which is read again when it changes"},
		&cli.StringFlag{Name: "tls-key", Category: clientTLSFlags, Usage: "with the key in `FILE`", DefaultText: "that of --tls-cert"},
		&cli.StringFlag{Name: "tls-ca", Category: clientTLSFlags, Usage: "require client certificates that come from those in `FILE`"},
		&cli.StringFlag{Name: "words", Category: operatorFlags, Usage: "answer the four-letter words in `LIST`, with commas between; * is all", DefaultText: "srvr"},
		&cli.StringFlag{Name: "admin", Category: operatorFlags, Usage: "serve the AdminServer's commands on `ADDR`"},
		&cli.StringFlag{Name: "metrics", Category: operatorFlags, Usage: "serve metrics for Prometheus on `ADDR`"},
		insecureFlag(),
	}, logFlags()...)
}

func runServer(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	log, err := logger(c, zerolog.InfoLevel)
	if err != nil {
		return err
	}
	cfg, err := serverConfig(c)
	if err != nil {
		return err
	}
	cfg.Log = log
	s, err := zkserver.Open(cfg)
	if err != nil {
		return portHint(err)
	}
	printServer(c, s, &cfg)
	return ended(c.Context, s.Run(c.Context))
}

// portHint says what to do about an address of operators that is in use.
func portHint(err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	switch text := oneLine(err); {
	case strings.HasPrefix(text, "AdminServer: "):
		return hinted(err, "give it another with --admin ADDR or admin.serverPort=N, or none with admin.enableServer=false")
	case strings.HasPrefix(text, "member "):
		return hinted(err, "give it another with --peer-listen ADDR, or set that of this member's line")
	case strings.HasPrefix(text, "metrics: "):
		return hinted(err, "give them another with --metrics ADDR or metricsProvider.httpPort=N")
	}
	return err
}

// printServer says where the server is.
func printServer(c *cli.Context, s *zkserver.Server, cfg *zkserver.Config) {
	w := c.App.Writer
	if !cfg.TLS.Only {
		fmt.Fprintln(w, "listening on", s.Addr())
	}
	if addr := s.TLSAddr(); addr != nil {
		fmt.Fprintln(w, "listening for TLS on", addr)
	}
	if addr := s.AdminAddr(); addr != nil {
		fmt.Fprintf(w, "AdminServer at http://%s%s\n", addr, cfg.Operators.AdminPath)
	}
	if addr := s.MetricsAddr(); addr != nil {
		fmt.Fprintf(w, "metrics at http://%s/metrics\n", addr)
	}
}
