package worker

import (
	"iter"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// markOf returns what tells the processes of one attempt from all others on the
// machine: the entries of their environment that name the instance and the
// fence; "" if one is missing.
func markOf(environ iter.Seq[string]) string {
	var instance, fence string
	for entry := range environ {
		switch {
		case strings.HasPrefix(entry, "MW_WORKER="):
			instance = entry
		case strings.HasPrefix(entry, "MW_FENCE="):
			fence = entry
		}
	}
	if instance == "" || fence == "" {
		return ""
	}
	return instance + " " + fence
}

// instanceIn returns the instance a mark names, "" if there is no mark.
func instanceIn(mark string) string {
	entry, _, _ := strings.Cut(mark, " MW_FENCE=")
	return strings.TrimPrefix(entry, "MW_WORKER=")
}

// defaultPath is where commands are looked for when the worker's environment
// does not say.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// passedOn returns the entries of this process's environment with those names.
// Nothing else of it reaches a command: it may hold secrets.
func passedOn(names ...string) []string {
	var kept []string
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains(names, name) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// environ makes the environment of a command, sorted: base, what the task's
// spec adds, and what mw says, which neither can replace.
//
//	MW_TASK_ID   the task
//	MW_ATTEMPT   which attempt this is, from 1
//	MW_FENCE     a number that grows with every assignment in the cluster: who
//	             remembers the highest it has seen can refuse an older attempt
//	MW_WORKER    the instance
//	MW_QUEUE     the queue, "default"
//	MW_NAME      the task's name, if it has one
//	MW_DEADLINE  when the attempt times out, RFC 3339, if it does
func environ(base []string, a *attempt, dir string, deadline time.Time) []string {
	env := map[string]string{"PATH": defaultPath}
	for _, entry := range base {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	maps.Copy(env, a.spec.Env)
	maps.Copy(env, map[string]string{
		"PWD":        dir,
		"MW_TASK_ID": string(a.task),
		"MW_ATTEMPT": strconv.Itoa(a.number),
		"MW_FENCE":   strconv.FormatInt(a.fence, 10),
		"MW_WORKER":  a.instance,
		"MW_QUEUE":   "default",
		"MW_NAME":    a.spec.Name,
	})
	if a.spec.Name == "" {
		delete(env, "MW_NAME")
	}
	delete(env, "MW_DEADLINE")
	if !deadline.IsZero() {
		env["MW_DEADLINE"] = deadline.UTC().Format(time.RFC3339Nano)
	}
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// entry returns the entry of an environment that begins with "NAME=", or "".
func entry(env []string, prefix string) string {
	for _, e := range env {
		if strings.HasPrefix(e, prefix) {
			return e
		}
	}
	return ""
}
