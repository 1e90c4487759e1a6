package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// The global flags may stand before the command or after it; after it wins.
// Those before it carry the variables and defaults, those after it repeat
// them in the help only, so that a flag before the command still wins over a
// variable.

func globalFlags() []cli.Flag {
	return append(serviceFlags(), outputFlag())
}

// serviceFlags are for commands that talk to the service.
func serviceFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		&cli.StringFlag{Name: "servers", Usage: "use the service at `HOST:PORT,…/CHROOT` [$MW_SERVERS]", DefaultText: "127.0.0.1:2181"},
		&cli.StringFlag{Name: "session-timeout", Usage: "be taken for dead after `D` of silence [$MW_SESSION_TIMEOUT]", DefaultText: "5s"},
		&cli.StringFlag{Name: "connect-timeout", Usage: "give up after `D` without a server at the start, 0: never [$MW_CONNECT_TIMEOUT]", DefaultText: "4s"},
	}, tlsFlags(), logFlags())
}

func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Usage: "log from `LEVEL` up, to stderr: debug, info, warn, error [$MW_LOG_LEVEL]", DefaultText: "info for roles, warn for others"},
		&cli.StringFlag{Name: "log-format", Usage: "log as `FORMAT`: console, or json with times in ms [$MW_LOG_FORMAT]", DefaultText: "console"},
	}
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "answer as `FORMAT`: table, json, jsonl or id [$MW_OUTPUT]", DefaultText: "table"}
}

// isGlobal reports whether f is a global flag, and not one of a command's own that
// has the name of one: "mw server" has a --tls-ca for its clients.
func isGlobal(f cli.Flag) bool {
	return slices.ContainsFunc(globalFlags(), func(g cli.Flag) bool {
		return f.Names()[0] == g.Names()[0] && usageOf(f) == usageOf(g)
	})
}

func usageOf(f cli.Flag) string {
	if doc, ok := f.(cli.DocGenerationFlag); ok {
		return doc.GetUsage()
	}
	return ""
}

// global returns a global flag's value: after the command, before it, from
// its variable, or "".
func global(c *cli.Context, name string) string {
	if at := givenAt(c, name); at != nil {
		return at.String(name)
	}
	return os.Getenv("MW_" + variable(name))
}

// givenAt finds where in the command line a global flag is given, or nil.
func givenAt(c *cli.Context, name string) *cli.Context {
	for _, at := range c.Lineage() {
		if at.Command == nil || !at.IsSet(name) {
			continue
		}
		own := slices.ContainsFunc(at.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == name && !isGlobal(f) })
		if !own {
			return at
		}
	}
	return nil
}

// globalDuration is global for a duration, with its default.
func globalDuration(c *cli.Context, name string, def time.Duration) (time.Duration, error) {
	text := global(c, name)
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usagef(c, "--%s: %q is no duration like 5s or 500ms", name, text)
	}
	return d, nil
}

// service says how to reach the service.
func service(c *cli.Context, log zerolog.Logger) (coordinator.Config, error) {
	cfg := coordinator.Config{Log: log}
	text := global(c, "servers")
	if text == "" {
		text = "127.0.0.1:2181"
	}
	var err error
	if cfg.Servers, cfg.Chroot, err = coordinator.ParseServers(text); err != nil {
		return cfg, usagef(c, "--servers: %v", err)
	}
	if cfg.Dial, err = tlsDial(c); err != nil {
		return cfg, err
	}
	cfg.SessionTimeout, err = globalDuration(c, "session-timeout", 5*time.Second)
	if err == nil && (cfg.SessionTimeout < 100*time.Millisecond || cfg.SessionTimeout > 24*time.Hour) {
		err = usagef(c, "--session-timeout is %s, must be from 100ms to 24h", cfg.SessionTimeout)
	}
	return cfg, err
}

// reach bounds how long the first connection may take.
func reach(c *cli.Context, connect func(context.Context) error) error {
	patience, err := globalDuration(c, "connect-timeout", 4*time.Second)
	if err != nil {
		return err
	}
	if patience == 0 {
		return connect(c.Context)
	}
	ctx, cancel := context.WithTimeoutCause(c.Context, patience, fmt.Errorf("gave up after %s", patience))
	defer cancel()
	err = connect(ctx)
	if err != nil && c.Context.Err() == nil && ctx.Err() != nil && !errors.Is(err, coordinator.ErrNoServer) {
		return fmt.Errorf("%w: %w", coordinator.ErrNoServer, err)
	}
	return err
}

// serviceOnce is service for a command that needs a server at once. That there is
// none is said once, in its error, and not logged besides; after connected is
// called, that the one we had is gone is worth a warning while we wait for it.
func serviceOnce(c *cli.Context) (cfg coordinator.Config, connected func(), err error) {
	log, err := logger(c, zerolog.WarnLevel)
	if err != nil {
		return cfg, nil, err
	}
	var reached atomic.Bool
	if global(c, "log-level") == "" {
		log = log.Hook(zerolog.HookFunc(func(e *zerolog.Event, _ zerolog.Level, _ string) {
			if !reached.Load() {
				e.Discard()
			}
		}))
	}
	cfg, err = service(c, log)
	return cfg, func() { reached.Store(true) }, err
}

// openClient connects a client; the caller closes it.
func openClient(c *cli.Context) (*submit.Client, error) {
	cfg, connected, err := serviceOnce(c)
	if err != nil {
		return nil, err
	}
	client, err := submit.Open(submit.Config{Coordinator: cfg, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	if err := reach(c, client.Connect); err != nil {
		client.Close()
		return nil, err
	}
	connected()
	return client, nil
}

// reachable makes a role that finds no server at its start say so and end,
// instead of looking busy. Once it runs, it survives servers that come and go.
func reachable(c *cli.Context, cfg coordinator.Config) error {
	return reach(c, func(ctx context.Context) error { return visit(ctx, cfg) })
}

// visit opens a session, and closes it. A service that is slow to confirm the
// close is there all the same.
func visit(ctx context.Context, cfg coordinator.Config) error {
	s, err := coordinator.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil && !errors.Is(err, coordinator.ErrUnknownOutcome) {
		return err
	}
	return nil
}

func init() {
	zerolog.TimeFieldFormat = time.RFC3339Nano // else seconds
	zerolog.ErrorFieldName = "err"
}

// showTook gives the duration in a log line its unit, for people. JSON has
// milliseconds.
func showTook(line map[string]any) error {
	number, ok := line["took"].(json.Number)
	if !ok {
		return nil
	}
	ms, err := number.Float64()
	if err == nil {
		line["took"] = time.Duration(ms * float64(time.Millisecond)).Round(10 * time.Microsecond).String()
	}
	return err
}

// teller says what a role has to say to who stops it: in a plain line, or in the
// log where that is JSON, and nothing else belongs on stderr.
func teller(c *cli.Context, log zerolog.Logger) func(string) {
	if global(c, "log-format") == "json" {
		return func(text string) { log.Info().Msg(text) }
	}
	return func(text string) { note("%s", text) }
}

// logger writes to stderr from the given level up, or from def.
func logger(c *cli.Context, def zerolog.Level) (zerolog.Logger, error) {
	level := def
	if text := global(c, "log-level"); text != "" {
		var err error
		if level, err = zerolog.ParseLevel(text); err != nil {
			return zerolog.Logger{}, usagef(c, "--log-level: %q is none of debug, info, warn, error", text)
		}
	}
	switch format := global(c, "log-format"); format {
	case "", "console":
		w := zerolog.ConsoleWriter{
			Out: os.Stderr, TimeFormat: "15:04:05.000", NoColor: !term.IsTerminal(int(os.Stderr.Fd())), FormatPrepare: showTook,
		}
		return zerolog.New(w).Level(level).With().Timestamp().Logger(), nil
	case "json":
		return zerolog.New(os.Stderr).Level(level).With().Timestamp().Logger(), nil
	default:
		return zerolog.Logger{}, usagef(c, "--log-format: %q is neither console nor json", format)
	}
}
