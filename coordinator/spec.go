package coordinator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Spec is what a task's znode holds: what to run, or what to ask of the
// master. Exactly one of Shell, Argv, Handler and Control is set.
type Spec struct {
	// Key is given by the client, new for every submission, so that it finds
	// its own task again after a lost reply.
	Key string `json:"key,omitempty"`

	Shell   string          `json:"shell,omitempty"`   // run as sh -c Shell
	Argv    []string        `json:"argv,omitempty"`    // run as it is
	Handler string          `json:"handler,omitempty"` // run by the worker's Go handler of that name
	Payload json.RawMessage `json:"payload,omitempty"` // for the handler

	Name    string            `json:"name,omitempty"`    // for people
	Env     map[string]string `json:"env,omitempty"`     // added to the task's environment
	Dir     string            `json:"dir,omitempty"`     // working directory; empty: one of its own
	Timeout Duration          `json:"timeout,omitzero"`  // of one attempt, in seconds; 0: none
	Control string            `json:"control,omitempty"` // what the master shall do, "cancel"
	Task    TaskID            `json:"task,omitempty"`    // to which task
}

// ParseSpec reads the data of a task's znode. A JSON object is a spec; any
// other text is Shell, so that a task can be typed by hand. The error is that
// of a JSON object whose fields have the wrong types.
func ParseSpec(data []byte) (Spec, error) {
	if !isJSONObject(data) {
		return Spec{Shell: string(data)}, nil
	}
	var s Spec
	if err := json.Unmarshal(data, &s); err != nil {
		return Spec{}, fmt.Errorf("coordinator: read spec: %w", err)
	}
	return s, nil
}

// Encode returns the spec as the JSON object [ParseSpec] reads. It is defined
// for what [Spec.Validate] accepts.
func (s Spec) Encode() []byte {
	if len(s.Payload) > 0 && !json.Valid(s.Payload) {
		s.Payload = encodeJSON(string(s.Payload))
	}
	return encodeJSON(s)
}

// Validate says why the spec cannot be run, or nil.
func (s Spec) Validate() error {
	set := 0
	for _, is := range []bool{strings.TrimSpace(s.Shell) != "", len(s.Argv) > 0, s.Handler != "", s.Control != ""} {
		if is {
			set++
		}
	}
	switch {
	case set == 0:
		return errors.New("coordinator: spec: empty command")
	case set > 1:
		return errors.New("coordinator: spec: more than one of shell, argv, handler and control")
	case len(s.Argv) > 0 && s.Argv[0] == "":
		return errors.New("coordinator: spec: argv begins with an empty word")
	case strings.Contains(string(s.Task), "/"):
		return fmt.Errorf("coordinator: spec: %.40q is no task", s.Task)
	case s.Timeout < 0:
		return errors.New("coordinator: spec: timeout is negative")
	case s.Dir != "" && !path.IsAbs(s.Dir):
		return fmt.Errorf("coordinator: spec: dir %.40q is relative: it is on the worker's machine, and has to begin with /", s.Dir)
	case len(s.Payload) > 0 && !json.Valid(s.Payload):
		return errors.New("coordinator: spec: payload is not JSON")
	}
	if err := s.validateEnv(); err != nil {
		return err
	}
	return s.validateText()
}

func (s Spec) validateEnv() error {
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if name == "" || strings.Contains(name, "=") {
			return fmt.Errorf("coordinator: spec: %q is no name for an environment variable", name)
		}
	}
	return nil
}

// validateText refuses what no command line can carry (NUL) and what JSON
// would silently change (bytes that are not UTF-8).
func (s Spec) validateText() error {
	texts := append([]string{s.Key, s.Shell, s.Handler, s.Name, s.Dir, s.Control, string(s.Task)}, s.Argv...)
	for name, value := range s.Env {
		texts = append(texts, name, value)
	}
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("coordinator: spec: %.40q has a NUL byte", text)
		}
		if !utf8.ValidString(text) {
			return fmt.Errorf("coordinator: spec: %.40q is not UTF-8", text)
		}
	}
	return nil
}

// Duration is a time.Duration that JSON shows as a number of seconds. A text
// such as "1m30s" is understood, too.
type Duration time.Duration

// MarshalJSON gives the number of seconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(d).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of seconds, or a text [time.ParseDuration] can
// read.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		parsed, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("coordinator: duration %.40q: %w", text, err)
		}
		*d = Duration(parsed)
		return nil
	}
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return fmt.Errorf("coordinator: duration %.40q: want a number of seconds", data)
	}
	nanos := math.Round(seconds * float64(time.Second))
	if math.Abs(nanos) >= math.MaxInt64 {
		return fmt.Errorf("coordinator: duration of %g seconds is too long", seconds)
	}
	*d = Duration(nanos)
	return nil
}

func isJSONObject(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && json.Valid(data)
}

// encodeJSON gives v as compact JSON that leaves <, > and & readable. v is one
// of this package's records, which always can be encoded; were one not, the
// answer is nil.
func encodeJSON(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}
