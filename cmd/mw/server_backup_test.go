package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestABackupGetsItsNameWhereThereAreNoLinks, as on vfat and some network file
// systems, and replaces nothing.
func TestABackupGetsItsNameWhereThereAreNoLinks(t *testing.T) {
	dir := t.TempDir()
	from, name := filepath.Join(dir, "from"), filepath.Join(dir, "name")
	none := func(string, string) error { return errors.ErrUnsupported }
	for _, link := range []func(string, string) error{none, os.Link} {
		if err := os.WriteFile(from, []byte("whole"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := giveName(from, name, link); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != "whole" {
			t.Errorf("%q, %v", b, err)
		}
		if err := giveName(from, name, link); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("over a file that is there: %v", err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestABackupThatWasBrokenOffDoesNotKeepTheNextFromBeingMade nor does one that
// fails leave anything.
func TestABackupThatWasBrokenOffDoesNotKeepTheNextFromBeingMade(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "b")
	if err := os.WriteFile(name+".part", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken off")
	if err := writeWhole(name, func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if err := writeWhole(name, func(f *os.File) error { _, err := f.WriteString("x"); return err }); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
