package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mwqueue/mw/submit"
	"github.com/urfave/cli/v2"
)

func workersCommand() *cli.Command {
	return &cli.Command{
		Name:      "workers",
		Usage:     "list workers and what they have to do",
		UsageText: "mw workers [flags]",
		Description: `Lists each worker that is registered, its slots, and how many tasks are assigned
to it (more than its slots: some are assigned ahead). A worker is alive,
draining (it takes no more tasks and leaves when those it has have ended), or
gone, and listed for as long as its tasks have not been moved.

Examples:
   mw workers
   mw workers -o json | jq '.[] | {name, tasks}'`,
		Flags: globalFlags(),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := checkOutput(c); err != nil {
				return err
			}
			client, err := openClient(c)
			if err != nil {
				return err
			}
			defer client.Close()
			workers, err := client.Workers(c.Context)
			if err != nil {
				return err
			}
			return workerListing(workers).print(c)
		},
	}
}

func workerListing(workers []submit.Worker) listing[submit.Worker] {
	now := time.Now()
	return listing[submit.Worker]{
		rows:   workers,
		header: []string{"INSTANCE", "STATE", "TASKS", "SLOTS", "ADDR", "HOST", "AGE", "LABELS"},
		cells: func(w submit.Worker) []string {
			return []string{
				w.Instance, workerState(w), fmt.Sprint(len(w.Assigned)), fmt.Sprint(w.Slots), w.Addr,
				short(w.Host, 30), ago(w.Since, now), labelText(w.Labels),
			}
		},
		id:   func(w submit.Worker) string { return w.Instance },
		json: func(w submit.Worker) any { return newWorkerJSON(w) },
	}
}

func workerState(w submit.Worker) string {
	switch {
	case w.Draining:
		return "draining"
	case w.Alive:
		return "alive"
	}
	return "gone"
}

// labelText shows labels as "a=1 b=2".
func labelText(labels map[string]string) string {
	var pairs []string
	for k, v := range labels {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return short(strings.Join(pairs, " "), 60)
}

// workerJSON is a worker as JSON shows it.
type workerJSON struct {
	Instance string            `json:"instance"`
	Name     string            `json:"name"`
	State    string            `json:"state"`
	Addr     string            `json:"addr,omitempty"`
	Host     string            `json:"host,omitempty"`
	PID      int               `json:"pid,omitempty"`
	Version  string            `json:"version,omitempty"`
	Slots    int               `json:"slots"`
	Labels   map[string]string `json:"labels,omitempty"`
	Since    time.Time         `json:"since,omitzero"`
	Tasks    []string          `json:"tasks"`
}

func newWorkerJSON(w submit.Worker) workerJSON {
	j := workerJSON{
		Instance: w.Instance, Name: w.Name, State: workerState(w), Addr: w.Addr, Host: w.Host, PID: w.PID,
		Version: w.Version, Slots: w.Slots, Labels: w.Labels, Tasks: []string{},
	}
	if w.Alive {
		j.Since = w.Since.UTC()
	}
	for _, id := range w.Assigned {
		j.Tasks = append(j.Tasks, string(id))
	}
	return j
}
