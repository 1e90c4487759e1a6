package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHistoryIsKeptButForPasswords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state", "zk_history")
	h := opened(t, name)
	for _, line := range []string{"ls /", "ls /", "addauth digest me:secret", "", "get /x"} {
		h.Add(line)
	}
	if got := strings.Join(h.lines, "|"); got != "ls /|addauth digest me:secret|get /x" || h.At(0) != "get /x" || h.Len() != 3 {
		t.Errorf("lines = %s", got)
	}
	h.Close()
	h.Add("after the file is gone")
	h = opened(t, name)
	if got := strings.Join(h.lines, "|"); got != "ls /|get /x" {
		t.Errorf("kept = %s", got)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want only for its owner", info.Mode(), err)
	}
}

func TestLongHistoryIsCut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "zk_history")
	h := opened(t, name)
	for i := range 2*keptHistory + 5 {
		h.Add(fmt.Sprint("ls /", i))
	}
	if h.Len() != 2*keptHistory {
		t.Errorf("%d lines in memory, want %d", h.Len(), 2*keptHistory)
	}
	h.Close()
	h = opened(t, name)
	if h.Len() != keptHistory || h.At(0) != fmt.Sprint("ls /", 2*keptHistory+4) {
		t.Errorf("%d lines, newest %q", h.Len(), h.At(0))
	}
	data, err := os.ReadFile(name)
	if n := strings.Count(string(data), "\n"); err != nil || n != keptHistory {
		t.Errorf("%d lines in the file (%v), want %d", n, err, keptHistory)
	}
}

func opened(t *testing.T, name string) *history {
	t.Helper()
	h, err := openHistory(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}
