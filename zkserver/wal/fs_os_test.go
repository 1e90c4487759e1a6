package wal

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEachNewDirectoryIsSyncedIntoItsParent(t *testing.T) {
	root := t.TempDir()
	for _, step := range []struct {
		path string
		want []string
	}{
		{"a/b/c", []string{"a/b", "a", "."}},
		{"a/b/d/", []string{"a/b"}},
		{"a/b/c", nil},
		{".", nil},
	} {
		path := step.path
		var synced []string
		err := mkdirAll(root+"/"+path, func(dir string) error {
			rel, err := filepath.Rel(root, dir)
			synced = append(synced, rel)
			return err
		})
		if err != nil || !slices.Equal(synced, step.want) {
			t.Errorf("%s: synced %v, want %v: %v", path, synced, step.want, err)
		}
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", path, err)
		}
	}
}
