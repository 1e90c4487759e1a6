package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The samples in deploy are taken as they stand: each makes one of three members.
func TestTheSamplesOfDeployAreTaken(t *testing.T) {
	dir := filepath.Join("..", "..", "deploy")
	lines := [][]string{{"--config", filepath.Join(dir, "zoo.cfg"), "--id", "1"}}
	command := regexp.MustCompile(`(?s)(?:command|args): (\["server".*?\])`)
	for _, name := range []string{"compose.yaml", "kubernetes.yaml"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range command.FindAllSubmatch(text, -1) {
			var args []string
			if err := json.Unmarshal(match[1], &args); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			lines = append(lines, args[1:])
		}
	}
	if len(lines) != 1+3+1 {
		t.Errorf("%d samples, want one file, three containers and one kind of pod", len(lines))
	}
	for _, args := range lines {
		if args[0] != "--config" {
			t.Setenv("MW_SERVER_MEMBER", "1=zk1:2888,2=zk2:2888,3=zk3:2888")
		}
		if args[0] == "--listen" {
			t.Setenv("MW_SERVER_ID", "2")
		}
		cfg, err := configure(t, append(args, "--data", t.TempDir())...)
		if err != nil || len(cfg.Ensemble.Members) != 3 {
			t.Errorf("%q: members %v, %v", args, cfg.Ensemble.Members, err)
		}
	}
}
