package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

func dataFlag(name string) cli.Flag {
	return &cli.StringFlag{Name: "data", Usage: "keep data in `DIR`", DefaultText: filepath.Join("$MW_DATA", name)}
}

// dataDir is where this process keeps its data: --data, else its own folder
// below MW_DATA, which is by default mw below the user's state directory.
func dataDir(c *cli.Context, name string) (string, error) {
	if dir := c.String("data"); dir != "" {
		return filepath.Abs(dir)
	}
	base := os.Getenv("MW_DATA")
	if base == "" {
		state := os.Getenv("XDG_STATE_HOME")
		if home, err := os.UserHomeDir(); state == "" && err == nil {
			state = filepath.Join(home, ".local", "state")
		}
		if state == "" {
			return "", &failure{err: errors.New("there is no home directory to keep data in"), code: exitUsage, hint: "say where with --data DIR"}
		}
		base = filepath.Join(state, "mw")
	}
	return filepath.Abs(filepath.Join(base, name))
}
