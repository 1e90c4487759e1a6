package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/zoocfg"
	"github.com/urfave/cli/v2"
)

// settings are what the server is told: by a zoo.cfg or, without one, by the
// defaults of mw, and then by flags.
type settings struct {
	zoocfg.Config
	name string // of the file; "" without one
	text string // of the file
	keys bool   // keys were given by --set
	id   int    // of this server, if there are others
}

// serverSettings reads the file and the flags that stand for keys of it.
func serverSettings(c *cli.Context) (*settings, error) {
	s := &settings{name: c.String("config"), keys: len(c.StringSlice("set")) > 0}
	var err error
	if s.name != "" {
		err = s.readFile()
	} else {
		s.Config, err = zoocfg.Parse("defaults", nil)
		s.TickTime, s.MaxSessionTimeout = 500*time.Millisecond, time.Minute
		s.Admin.Enabled, s.TTLNodes = false, true
	}
	if err != nil {
		return nil, badFile(err)
	}
	for _, one := range c.StringSlice("set") {
		key, value, ok := strings.Cut(one, "=")
		if !ok || key == "" {
			return nil, usagef(c, "--set: %q is not KEY=VALUE", one)
		}
		if err := s.Set("--set", key, value); err != nil {
			return nil, badFile(err)
		}
	}
	if c.IsSet("words") {
		if err := s.Set("--words", "4lw.commands.whitelist", c.String("words")); err != nil {
			return nil, err
		}
	}
	if c.IsSet("linearizable-reads") {
		s.Linearizable = c.Bool("linearizable-reads")
	}
	for _, f := range []struct{ flag, key string }{{"tls-cert", "ssl.keyStore.location"}, {"tls-ca", "ssl.trustStore.location"}} {
		if c.IsSet(f.flag) {
			s.Set("--"+f.flag, f.key, c.String(f.flag))
		}
	}
	if s.name == "" && !s.Given("ssl.clientAuth") && s.TLS.TrustStore == "" {
		s.TLS.ClientAuth = "none" // by flags, a CA is what asks for certificates
	}
	if err := s.memberFlags(c); err != nil {
		return nil, err
	}
	return s, s.check(c)
}

// readFile reads the zoo.cfg and what it refers to.
func (s *settings) readFile() error {
	text, err := os.ReadFile(s.name)
	if err != nil {
		return err
	}
	s.text = string(text)
	if s.Config, err = zoocfg.Parse(s.name, text); err != nil {
		return err
	}
	if s.DynamicFile == "" {
		return nil
	}
	if text, err = os.ReadFile(s.DynamicFile); err != nil {
		return err
	}
	return s.ParseServers(s.DynamicFile, text)
}

// check says what is missing or wrong with all that was given.
func (s *settings) check(c *cli.Context) error {
	if err := s.findSelf(c); err != nil {
		return err
	}
	if c.IsSet("listen") && s.ClientPort == 0 || s.name == "" && !s.Given("clientPort") && s.ClientPort == 0 {
		s.ClientPort = 2181
	}
	if s.ownData(c) && s.DataDir == "" {
		s.DataDir = "-" // which nobody reads
	}
	if err := s.Check(s.from()); err != nil {
		return badFile(err)
	}
	for _, file := range []string{s.TLS.KeyStore, s.TLS.TrustStore} {
		if err := zoocfg.Store(file); err != nil {
			return badFile(err)
		}
	}
	return nil
}

// ownData reports whether the data is where --data or mw's own default says, and
// not where a dataDir does.
func (s *settings) ownData(c *cli.Context) bool {
	return c.IsSet("data") || s.name == "" && !s.Given("dataDir") && !s.Given("dataLogDir")
}

// from is where the keys come from, for errors that name no line.
func (s *settings) from() string {
	switch {
	case s.name != "":
		return s.name
	case s.keys:
		return "--set"
	}
	return "flags"
}

// warn names the keys without effect.
func (s *settings) warn() {
	for _, w := range s.Warnings {
		note("warning: %s", w)
	}
}

// badFile is an error in a configuration.
func badFile(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &failure{err: err, code: exitUsage}
}

// zooData is where the data of a server with a zoo.cfg is: in a folder of its
// own, so that Apache ZooKeeper's version-2 beside it stays as it is.
func (s *settings) zooData() (string, error) {
	logs := s.DataLogDir
	if logs == "" {
		logs = s.DataDir
	}
	if s.NoCreate {
		for _, dir := range []string{s.DataDir, logs} {
			if _, err := os.Stat(dir); err != nil {
				return "", badFile(fmt.Errorf("%s: dataDir: %w, and datadir.autocreate=false forbids to make it", s.from(), err))
			}
		}
	}
	dir := filepath.Join(logs, dataFolder)
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if logs != s.DataDir {
		s.Warnings = append(s.Warnings, zoocfg.Warning{File: s.from(), Key: "dataLogDir", Text: "has snapshots as well as the log, in " + dir + "; dataDir has myid alone"})
	}
	if err := s.sameData(dir); err != nil {
		return "", err
	}
	if exists(filepath.Join(dir, "IDENTITY")) {
		return dir, nil
	}
	for _, of := range []string{s.DataDir, logs} {
		if hasApacheData(filepath.Join(of, "version-2")) {
			return "", &failure{
				err:  fmt.Errorf("%s has the data of Apache ZooKeeper, and %s has none of ours yet", filepath.Join(of, "version-2"), dir),
				code: exitUsage,
				hint: importHint(s.DataDir, logs, dir),
			}
		}
	}
	return dir, nil
}

// dataFolder is ours in the dataDir of a zoo.cfg.
const dataFolder = "mw"

// whereFile is in dataDir when the data is elsewhere, and says where: a dataLogDir
// that is changed must not make a server forget its data.
const whereFile = "mw.where"

// sameData refuses to start with other data than before, and notes where it is.
func (s *settings) sameData(dir string) error {
	note := filepath.Join(s.DataDir, whereFile)
	at, err := os.ReadFile(note)
	before := strings.TrimSpace(string(at))
	if errors.Is(err, fs.ErrNotExist) {
		before, err = filepath.Abs(filepath.Join(s.DataDir, dataFolder))
		if err == nil && !exists(filepath.Join(before, "IDENTITY")) {
			before = dir // nowhere yet
		}
	}
	if err != nil {
		return err
	}
	if before != dir {
		return badFile(fmt.Errorf("%s: the data is in %s, but dataLogDir says %s: set it back, or move the folder there and remove %s", s.from(), before, dir, note))
	}
	if within, err := filepath.Abs(filepath.Join(s.DataDir, dataFolder)); err != nil || within == dir {
		return err
	}
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(note, []byte(dir+"\n"), 0o600)
}

// hasApacheData reports whether a version-2 folder has snapshots or logs.
func hasApacheData(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "snapshot.") || strings.HasPrefix(e.Name(), "log.") {
			return true
		}
	}
	return false
}

func importHint(data, logs, dir string) string {
	from := ""
	if logs != data {
		from = "--log-dir " + logs + " "
	}
	return fmt.Sprintf("mw server import --data %s %s%s brings it along; or set dataDir to a new directory", dir, from, data)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
