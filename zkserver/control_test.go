package zkserver

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestControlSocketIsThisUsersAlone(t *testing.T) {
	dir := t.TempDir()
	if runtime.GOOS == "linux" { // elsewhere a socket's address must be short
		dir = filepath.Join(dir, strings.Repeat("long", 40))
	}
	// What servers that were killed have left: one in the middle of this, and one
	// behind its socket.
	if err := os.MkdirAll(filepath.Join(dir, controlName+".new", controlName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, controlName), nil, 0o666); err != nil {
		t.Fatal(err)
	}

	l, err := listenControl(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v: want nothing but the socket", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("socket has mode %v, %v", info.Mode(), err)
	}
	path, done, err := controlPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}
