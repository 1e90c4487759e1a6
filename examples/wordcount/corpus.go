package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A file is one source file and the number of words in it, counted here.
type file struct {
	path  string
	words int
}

// corpus finds up to n source files of the standard library and counts their
// words without mw.
func corpus(ctx context.Context, n int) ([]file, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	var files []file
	root := filepath.Join(strings.TrimSpace(string(out)), "src")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		case len(files) == n:
			return filepath.SkipAll
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files = append(files, file{path, countWords(text)})
		return nil
	})
	return files, err
}

// countWords counts what awk calls fields: runs of bytes between blanks.
func countWords(text []byte) int {
	return len(bytes.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }))
}

// countCommand is the shell command that counts the words of path. Paths of
// the standard library hold no quotes.
func countCommand(path string) string {
	return "awk '{n+=NF} END {print n+0}' '" + path + "'"
}
