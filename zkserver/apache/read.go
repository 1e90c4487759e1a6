package apache

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// versionDir is the folder of both kinds of files (ZooKeeper 3.x).
const versionDir = "version-2"

// A file is one of the files, with the zxid in its name.
type file struct {
	path string
	zxid int64
}

// Read gives the tree of a data directory: dataDir, and dataLogDir where it is
// another ("" for the same). Both may be given with or without the version-2 in
// them.
func Read(dataDir, dataLogDir string) (*State, error) {
	snapshots, err := list(dataDir, "snapshot.")
	if err != nil {
		return nil, err
	}
	logs, err := list(cmp.Or(dataLogDir, dataDir), "log.")
	if err != nil {
		return nil, err
	}
	if len(snapshots)+len(logs) == 0 {
		return nil, fmt.Errorf("%s holds no snapshot.* and no log.* of Apache ZooKeeper (looked there and in its %s)", dataDir, versionDir)
	}
	state, err := newest(snapshots, logs)
	if err != nil {
		return nil, err
	}
	if err := state.readLogs(logs); err != nil {
		return nil, err
	}
	return state, state.check()
}

// newest reads the newest good snapshot. Its zxid is that of its name: parts of
// it may be later.
func newest(snapshots, logs []file) (*State, error) {
	var bad []error
	for _, f := range slices.Backward(snapshots) {
		state, err := readSnapshot(f.path)
		if err == nil {
			state.Zxid = f.zxid
			for _, err := range bad {
				state.Warnings = append(state.Warnings, fmt.Sprintf("passed over for an older snapshot: %v", err))
			}
			return state, nil
		}
		if !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		bad = append(bad, err)
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if logs[0].zxid > 1 {
		return nil, fmt.Errorf("%w: %s is the oldest log, and there is no snapshot before it", ErrDamaged, logs[0].path)
	}
	return empty(), nil
}

// readLogs carries out what the logs have beyond the snapshot.
func (s *State) readLogs(logs []file) error {
	first := 0
	for i, f := range logs {
		if f.zxid <= s.Zxid+1 {
			first = i
		}
	}
	f := follower{replayer: newReplayer(s), last: s.Zxid}
	for i, log := range logs {
		if i < first {
			continue
		}
		if err := f.readLog(log.path, i == len(logs)-1); err != nil {
			return err
		}
	}
	return nil
}

// list gives the files with a prefix, by zxid.
func list(dir, prefix string) ([]file, error) {
	if sub := filepath.Join(dir, versionDir); isDir(sub) {
		dir = sub
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		hex, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || e.IsDir() {
			continue
		}
		hex = strings.TrimSuffix(strings.TrimSuffix(hex, ".gz"), ".snappy")
		zxid, err := strconv.ParseUint(hex, 16, 63)
		if err != nil {
			continue
		}
		files = append(files, file{filepath.Join(dir, e.Name()), int64(zxid)})
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.zxid, b.zxid) })
	return files, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || errors.Is(err, fs.ErrPermission)
}
