package main

import (
	"context"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/submit"
)

// hintAfter is how long a command waits before it says what it waits for.
const hintAfter = 2 * time.Second

var obstacles = map[submit.Obstacle]string{
	submit.NoMaster: "no master leads: the task waits until one does (mw master)",
	submit.NoWorker: "no worker is registered: the task waits until one is (mw worker)",
	submit.NoRoom:   "all slots of all workers are taken: the task waits for one (mw workers)",
}

// hintAtObstacle says once what keeps tasks waiting, if something does and ctx
// has not ended by then.
func hintAtObstacle(ctx context.Context, client *submit.Client, ids ...coordinator.TaskID) {
	if !passed(ctx, hintAfter) {
		return
	}
	o, err := client.Obstacle(ctx, ids...)
	if text := obstacles[o]; text != "" && err == nil && ctx.Err() == nil {
		note("%s", text)
	}
}

// hintAtNoMaster says what becomes of a cancel when nobody is there to carry
// it out.
func hintAtNoMaster(ctx context.Context, client *submit.Client, then string) {
	leads, err := client.Leads(ctx)
	if err == nil && !leads && ctx.Err() == nil {
		note("no master leads: %s", then)
	}
}

// passed waits for d; it is false when ctx ended first.
func passed(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
