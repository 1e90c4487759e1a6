// Package submit is the client's side of the queue: it puts tasks in, waits
// for their recorded outcome, reads their output, cancels them and looks at
// what is there.
//
//	c, err := submit.Open(submit.Config{Coordinator: coordinator.Config{Servers: servers}})
//	defer c.Close()
//	h, err := c.Submit(ctx, coordinator.Spec{Shell: "make test"})
//	r, err := h.Wait(ctx) // by a watch, through lost sessions and failovers
//	os.Exit(r.ExitCode())
//
// # One call, one task
//
// A create whose reply is lost may have happened, or may still happen. Submit
// makes each create conditional on the data version of /tasks, which nothing
// else uses, and puts a UUID in the task:
//
//	submit           check /tasks v · create /tasks/task-
//	reply lost       set /tasks if at v      no create sent before can happen any more
//	                 list /tasks             what was created since the call began
//	                 read those, find the UUID: it happened; else submit again at v+1
//
// What was created since is known exactly: a sequence number counts the
// creates under /tasks, and so does the parent's Stat (see [view]). When one
// of those tasks has been deleted meanwhile by the master's retention, the
// outcome cannot be known any more, and the error wraps
// coordinator.ErrUnknownOutcome.
//
// A key given by the caller works across processes: every submit with such a
// key raises the version of /tasks in the multi that creates the task, after
// having read all tasks at that version. So two of them never both create.
// That costs a read per task in the tree; use it where a repeat would hurt.
//
// # What a client makes
//
// Tasks, and /tasks for them when it is missing, so that a task may be
// submitted before the first master has run. A chroot that is not there is
// [ErrNoQueue]: masters and workers make it, clients that mistype it do not.
//
// # Waiting
//
// [Handle.Wait] watches for the creation of the task's status. A watch lives
// in the memory of the service and is sent again as a whole after each
// reconnect, so a [Client] keeps at most 2,000 of them; handles beyond that
// wait in turn for a free one and meanwhile look now and then, together at
// most about 1,000 times a second.
//
// A Client starts no goroutine of its own beyond those of its session, and is
// safe for concurrent use.
package submit
