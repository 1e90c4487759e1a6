package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A worker keeps the names of its registrations in its directory, so that the
// next one on it can find what is left of their commands. There is something
// only if the worker and its guard were both killed with SIGKILL: the commands
// themselves die with the guard, but not what they started.

// maxInstances bounds how many names are kept: the last ones.
const maxInstances = 100

// noteInstance notes a registration before its first command. The caller makes
// one call at a time.
func (s *store) noteInstance(name string) error {
	s.instances = append(s.instances, name)
	s.instances = s.instances[max(0, len(s.instances)-maxInstances):]
	data := strings.Join(s.instances, "\n") + "\n"
	made := s.instancesPath() + ".new" // renamed, so that a kill leaves the one or the other
	err := os.WriteFile(made, []byte(data), 0o600)
	if err == nil {
		err = os.Rename(made, s.instancesPath())
	}
	if err != nil {
		return fmt.Errorf("note registration: %w", err)
	}
	return nil
}

func (s *store) instancesPath() string { return filepath.Join(s.dir, "instances") }

// killLeftovers kills what is left of the commands of the workers that had the
// directory before.
func (s *store) killLeftovers() error {
	data, err := os.ReadFile(s.instancesPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("worker: read former registrations: %w", err)
	}
	former := make(map[string]bool)
	for name := range strings.Lines(string(data)) {
		former[strings.TrimSuffix(name, "\n")] = true
	}
	delete(former, "")
	if len(former) == 0 {
		return nil
	}
	if n := killMarked(func(mark string) bool { return former[instanceIn(mark)] }); n > 0 {
		s.log.Warn().Int("count", n).Msg("processes of a former worker killed")
	}
	return nil
}
