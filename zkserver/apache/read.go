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

// ErrNoLog says that there are snapshots and no log beside them. Nearly always
// it is elsewhere, in the dataLogDir, and has what was written last.
var ErrNoLog = errors.New("apache: no log")

// Read gives the tree of a data directory: dataDir, and dataLogDir where it is
// another ("" for the same). Both may be given with or without the version-2 in
// them. The error is ErrNoLog for snapshots alone: see [ReadSnapshot].
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
	if len(logs) == 0 {
		return nil, fmt.Errorf("%w: %s holds no log.*, but %s is there, and the log has what was written after it",
			ErrNoLog, cmp.Or(dataLogDir, dataDir), snapshots[len(snapshots)-1].path)
	}
	state, err := newest(snapshots, logs)
	if err != nil {
		return nil, err
	}
	if err := state.readLogs(logs); err != nil {
		return nil, err
	}
	return state.finish()
}

// ReadSnapshot gives the tree of the newest snapshot in a data directory that
// has no log: what was written after the snapshot is lost, if anything was. A
// directory with a log is refused.
func ReadSnapshot(dataDir string) (*State, error) {
	logs, err := list(dataDir, "log.")
	if err != nil {
		return nil, err
	}
	if len(logs) > 0 {
		return nil, fmt.Errorf("%s is there: it must be read, too", logs[0].path)
	}
	snapshots, err := list(dataDir, "snapshot.")
	if err != nil {
		return nil, err
	}
	if len(snapshots) == 0 {
		return nil, fmt.Errorf("%s holds no snapshot.* of Apache ZooKeeper (looked there and in its %s)", dataDir, versionDir)
	}
	state, err := newest(snapshots, nil)
	if err != nil {
		return nil, err
	}
	return state.finish()
}

// finish checks the state when all is read.
func (s *State) finish() (*State, error) {
	// A snapshot may have parts that are later than its name says, and without
	// their log nothing else tells.
	for _, z := range s.Znodes {
		s.Zxid = max(s.Zxid, z.Czxid, z.Mzxid, z.Pzxid)
	}
	s.warnOfSchemes()
	return s, cmp.Or(s.check(), s.checkACLs())
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
	snapshot := s.Zxid
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
		if err := f.readLog(log.path); err != nil {
			return err
		}
	}
	if end := max(f.end, logs[len(logs)-1].zxid); end < snapshot {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the log ends at %#x, before the newest snapshot, %#x: what was written after the snapshot is not here; is there a newer log in another dataLogDir?", end, snapshot))
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
