package zkserver

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/mwqueue/mw/zkserver/admin"
)

// fileCounts are the open files of this process and how many it may open; -1
// where the system does not tell.
func fileCounts() (open, limit int64) {
	open, limit = -1, -1
	if d, err := os.Open("/proc/self/fd"); err == nil {
		if names, err := d.Readdirnames(-1); err == nil {
			open = int64(len(names)) - 1 // without d
		}
		d.Close()
	}
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		limit = int64(lim.Cur)
	}
	return open, limit
}

// dirSize is the size of the files in a directory, 0 if it cannot be read.
func dirSize(dir string) (size int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
	}
	return size
}

// environment has the reference's keys. Those that tell of Java tell of Go.
func environment() []admin.Pair {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	mib := func(n uint64) string { return fmt.Sprintf("%dMB", n>>20) }
	host, _ := os.Hostname()
	dir, _ := os.Getwd()
	name, home := os.Getenv("USER"), os.Getenv("HOME")
	if u, err := user.Current(); err == nil {
		name, home = u.Username, u.HomeDir
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	system := map[string]string{"linux": "Linux", "darwin": "Mac OS X"}[runtime.GOOS]
	return []admin.Pair{
		{Key: "zookeeper.version", Value: protocolVersion + ", built on " + buildDate},
		{Key: "host.name", Value: host},
		{Key: "java.version", Value: runtime.Version()},
		{Key: "java.vendor", Value: "Go"},
		{Key: "java.home", Value: ""},
		{Key: "java.class.path", Value: ""},
		{Key: "java.library.path", Value: ""},
		{Key: "java.io.tmpdir", Value: filepath.Clean(os.TempDir())},
		{Key: "java.compiler", Value: "<NA>"},
		{Key: "os.name", Value: system},
		{Key: "os.arch", Value: runtime.GOARCH},
		{Key: "os.version", Value: strings.TrimSpace(string(release))},
		{Key: "user.name", Value: name},
		{Key: "user.home", Value: home},
		{Key: "user.dir", Value: dir},
		{Key: "os.memory.free", Value: mib(mem.HeapIdle - mem.HeapReleased)},
		{Key: "os.memory.max", Value: mib(uint64(debug.SetMemoryLimit(-1)))},
		{Key: "os.memory.total", Value: mib(mem.Sys - mem.HeapReleased)},
	}
}
