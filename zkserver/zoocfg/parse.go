package zoocfg

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Parse reads the text of a zoo.cfg. The name stands in errors and warnings.
// An error is an *[Error].
func Parse(name string, text []byte) (Config, error) {
	c := defaults()
	for _, p := range properties(string(text)) {
		if err := c.set(name, p.line, p.key, p.value); err != nil {
			return c, err
		}
	}
	return c, nil
}

// ParseServers adds the members that a dynamic configuration file has: it takes
// no other keys.
func (c *Config) ParseServers(name string, text []byte) error {
	for _, p := range properties(string(text)) {
		kind, _, _ := strings.Cut(p.key, ".")
		if kind != "server" && kind != "group" && kind != "weight" && p.key != "version" {
			return &Error{File: name, Line: p.line, Text: fmt.Sprintf("%s does not belong in a dynamic configuration file: move it to zoo.cfg", p.key)}
		}
		if p.key == "version" {
			continue
		}
		if err := c.set(name, p.line, p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

// Set sets one key, by its name in the file or that of its system property, as
// if it came last in the file. from says where it comes from, for errors and
// warnings.
func (c *Config) Set(from, key, value string) error {
	return c.set(from, 0, strings.TrimSpace(key), strings.TrimSpace(value))
}

// Check is to be called when all keys are set. It says what is missing.
func (c *Config) Check(name string) error {
	if s := c.Servers; len(s) == 1 && c.ClientPort == 0 && s[0].ClientPort != 0 {
		c.ClientPort, c.ClientAddress = s[0].ClientPort, s[0].ClientAddress
	}
	fail := func(format string, args ...any) error { return &Error{File: name, Text: fmt.Sprintf(format, args...)} }
	switch {
	case len(c.Groups) > 0:
		return fail("%s: quorums of groups and weights are not to be had: each server has one vote, so remove the group and weight lines", slices.Min(slices.Collect(maps.Keys(c.Groups))))
	case c.DataDir == "":
		return fail("dataDir is not set: add dataDir=/path/to/a/directory")
	case c.ClientPort == 0 && c.SecureClientPort == 0:
		return fail("neither clientPort nor secureClientPort is set: add clientPort=2181, or --listen with port 0 for a free one")
	case c.SecureClientPort != 0 && c.TLS.KeyStore == "":
		return fail("secureClientPort is set, but no certificate: add ssl.keyStore.location=/path/to/server.pem")
	case c.PortUnification && c.TLS.KeyStore == "":
		return fail("client.portUnification is set, but no certificate: add ssl.keyStore.location=/path/to/server.pem")
	case (c.PeerTLS.On || c.PeerTLS.Unify) && (c.PeerTLS.KeyStore == "" || c.PeerTLS.TrustStore == ""):
		return fail("members are to speak TLS, but with what certificates? Add ssl.quorum.keyStore.location=/path/to/this-server.pem and ssl.quorum.trustStore.location=/path/to/ca.pem")
	case c.TLS.KeyStore != "" && c.TLS.ClientAuth != "none" && c.TLS.TrustStore == "":
		return fail("ssl.clientAuth is %s, but nothing says whose client certificates to take: add ssl.trustStore.location=/path/to/ca.pem, or ssl.clientAuth=none", c.TLS.ClientAuth)
	}
	low, high := c.MinSessionTimeout, c.MaxSessionTimeout
	if low == 0 {
		low = 2 * c.TickTime
	}
	if high == 0 {
		high = 20 * c.TickTime
	}
	if low > high {
		return fail("minSessionTimeout is %d and maxSessionTimeout %d: the first must not be above the second", low.Milliseconds(), high.Milliseconds())
	}
	c.MinSessionTimeout, c.MaxSessionTimeout = low, high
	return nil
}

// Given reports whether a key has been set.
func (c *Config) Given(key string) bool {
	_, ok := c.seen[key]
	return ok
}

func (c *Config) set(file string, line int, name, value string) error {
	warn := func(format string, args ...any) {
		c.Warnings = append(c.Warnings, Warning{File: file, Line: line, Key: name, Text: fmt.Sprintf(format, args...)})
	}
	k, ok := find(name)
	if !ok {
		warn("is not known and has no effect: check its spelling")
		return nil
	}
	if first, twice := c.seen[k.name]; twice && line > 0 && !k.many {
		warn("was already set on line %d: this one counts", first)
	}
	if !k.many {
		c.seen[k.name] = line
	}
	switch {
	case k.set != nil:
		err := k.set(c, value)
		if text, ok := errors.AsType[remark](err); ok {
			warn("%s", string(text))
		} else if err != nil {
			return &Error{File: file, Line: line, Text: fmt.Sprintf("%s is %q, %v", name, value, err)}
		}
	case k.agrees(value):
	case k.refused:
		return &Error{File: file, Line: line, Text: fmt.Sprintf("%s=%s cannot be honoured: %s", name, value, k.instead)}
	default:
		warn("has no effect: %s", k.instead)
	}
	if k.members {
		return c.setMember(file, line, name, value)
	}
	return nil
}
