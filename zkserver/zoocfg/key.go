package zoocfg

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A key is a row of the tables.
type key struct {
	name  string   // in the file
	other []string // names of its system property, where that is not "zookeeper." and name

	// set honours the key. Its error completes a sentence that has the key and
	// its value: "must be …"; a remark is a warning, which has the key alone.
	set func(*Config, string) error

	// instead says what happens when set is nil: it completes "has no effect:".
	// same are the values for which that is what the key asks for.
	instead string
	same    []string

	refused bool // rather an error than no effect; instead says what to do
	many    bool // may be given more than once
	members bool // see setMember
}

// A remark is about a key that was set, though not to what it says.
type remark string

func (r remark) Error() string { return string(r) }

// agrees reports whether what happens anyway is what value asks for.
func (k *key) agrees(value string) bool {
	return slices.ContainsFunc(k.same, func(s string) bool { return strings.EqualFold(s, value) })
}

// keys finds a row by each of its names. Families, whose names go on after a
// dot, stand in families.
var (
	keys     = make(map[string]*key)
	families = []key{
		{name: "server.", many: true, members: true, set: nothing},
		{name: "group.", many: true, members: true, set: nothing},
		{name: "weight.", many: true, members: true, set: nothing},
		{name: "authProvider.", many: true, instead: "the schemes are world, auth, digest, ip and x509, and classes for others cannot be run here", same: []string{
			"org.apache.zookeeper.server.auth.DigestAuthenticationProvider", "org.apache.zookeeper.server.auth.IPAuthenticationProvider",
			"org.apache.zookeeper.server.auth.X509AuthenticationProvider"}},
	}
)

func nothing(*Config, string) error { return nil }

func init() {
	for _, rows := range [][]key{honoured, own, without} {
		for i := range rows {
			for _, name := range append([]string{rows[i].name}, rows[i].other...) {
				keys[name] = &rows[i]
			}
		}
	}
}

func find(name string) (*key, bool) {
	name = strings.TrimPrefix(name, "zookeeper.")
	if k, ok := keys[name]; ok {
		return k, true
	}
	for i := range families {
		if strings.HasPrefix(name, families[i].name) {
			return &families[i], true
		}
	}
	return nil, false
}

// The functions below make setters.

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

func number[T int | int64](field func(*Config) *T, low, high int64, what string) func(*Config, string) error {
	return scaled(field, 1, low, high, what)
}

// scaled is number for a field in another unit.
func scaled[T int | int64](field func(*Config) *T, factor, low, high int64, what string) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be %s from %d to %d", what, low, high)
		}
		*field(c) = T(n * factor)
		return nil
	}
}

// millis sets a duration given in milliseconds.
func millis(field func(*Config) *time.Duration, low int64) func(*Config, string) error {
	const high = 24 * 60 * 60 * 1000 * 365
	return func(c *Config, v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a number of milliseconds from %d to %d", low, int64(high))
		}
		*field(c) = time.Duration(n) * time.Millisecond
		return nil
	}
}

func boolean(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		on, err := parseBool(v)
		*field(c) = on
		return err
	}
}

func parseBool(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// list sets the words between commas.
func list(field func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = nil
		for word := range strings.SplitSeq(v, ",") {
			if word = strings.TrimSpace(word); word != "" {
				*field(c) = append(*field(c), word)
			}
		}
		return nil
	}
}

// only takes one of some values.
func only(field func(*Config) *string, values ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		i := slices.IndexFunc(values, func(s string) bool { return strings.EqualFold(s, v) })
		if i < 0 {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		if field != nil {
			*field(c) = values[i]
		}
		return nil
	}
}
