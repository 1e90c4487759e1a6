package mwtest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/mwtest"
	"github.com/mwqueue/mw/submit"
)

// must turns the results of a call that may fail into one that fails the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// startCluster starts a cluster in a directory of the test and kills it in
// the end. Of a failed test, what happened and the logs are printed.
func startCluster(t *testing.T, cfg mwtest.Config) *mwtest.Cluster {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	c, err := mwtest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			printEvents(t, c)
			printLogs(t, cfg.Dir)
		}
	})
	return c
}

// printEvents prints what happened to the cluster, in order.
func printEvents(t *testing.T, c *mwtest.Cluster) {
	var b strings.Builder
	for _, e := range c.Events() {
		fmt.Fprintln(&b, e)
	}
	t.Logf("what happened, in seconds since the start:\n%s", b.String())
}

// printLogs prints the end of every log in dir, or keeps them all in the
// folder that MW_KEEP_LOGS names.
func printLogs(t *testing.T, dir string) {
	if keep := os.Getenv("MW_KEEP_LOGS"); keep != "" {
		t.Log("logs kept in", keep, os.CopyFS(keep, os.DirFS(dir)))
		return
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, _ := os.ReadFile(dir + "/" + e.Name())
		t.Logf("%s:\n%s", e.Name(), text[max(0, len(text)-3000):])
	}
}

func coordinatorConfig(c *mwtest.Cluster) coordinator.Config {
	return coordinator.Config{Servers: strings.Split(c.Servers(), ","), SessionTimeout: c.SessionTimeout()}
}

func openClient(t *testing.T, c *mwtest.Cluster) *submit.Client {
	t.Helper()
	client, err := submit.Open(submit.Config{Coordinator: coordinatorConfig(c)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func openSession(t *testing.T, c *mwtest.Cluster) *coordinator.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	s, err := coordinator.Connect(ctx, coordinatorConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// await polls until ok, and fails the test when ctx ends first.
func await(t *testing.T, ctx context.Context, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("awaiting %s: %v", what, context.Cause(ctx))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// logged reports whether p has printed text.
func logged(p *mwtest.Process, text string) bool { return strings.Contains(readLog(p), text) }

// readLog is all that p has printed so far.
func readLog(p *mwtest.Process) string {
	out, _ := os.ReadFile(p.Log)
	return string(out)
}
