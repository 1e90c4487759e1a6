// Package worker runs tasks: it registers with the service, runs what it is
// assigned, as many at once as it has slots, and records each outcome.
//
//	w, err := worker.New(worker.Config{Dir: "/var/lib/mw", Guard: []string{"/usr/bin/mw", "guard"}})
//	if err != nil {
//		return err
//	}
//	return w.Run(ctx, drain)
//
// # How a task moves
//
//	/assign/<instance>   service     what this worker owes
//	      │ list, read               assignments.go
//	      ▼
//	    slots            pure        slots.go: what to start, stop and hand back
//	      │ start
//	      ▼
//	    attempt          goroutine   run.go: a Go handler (handler.go), or a
//	      │                          command (command.go) in the guard process
//	      ▼
//	    report           multi       report.go: delete the assignment, create
//	                                 the attempt, create the task's status
//
// One loop per registration (instance.go, steps.go) owns the slots and does
// what they say.
//
// # What is promised
//
// An attempt is recorded only while its assignment is there: a worker whose
// task was moved, however late it notices, cannot record anything. Its report
// begins with the deletion of the assignment, and fails with it.
//
// A command does not outlive the worker's right to run it. The service may give
// a task to another worker once the session has expired; the commands are dead
// before that, also when this process is killed (SIGKILL) or stopped (SIGSTOP),
// because they are children of another process, the guard. See below.
//
// A task may run more than once, when a worker dies in the middle of it or
// before its report. MW_FENCE (Task.Fence for handlers) lets the task's author
// refuse the older attempt where it matters.
//
// How an attempt ends:
//
//	it exits with 0, or the handler returns nil     done
//	it exits otherwise, dies of a signal, cannot    failed; exit 127 for "not
//	be started, has a malformed spec                found", 126 for the others
//	its timeout passes                              timed_out
//	the worker stops, or its session is lost        interrupted: runs elsewhere, not charged
//	the guard dies                                  lost, or interrupted if others may be to blame
//	the worker cannot start it: no scratch          nothing is recorded: it is handed back, and
//	directory, pipe, process or guard               the worker starts nothing for 1 to 8 s
//	the assignment is taken away                    nothing is recorded
//
// A task that was lost before may be what its workers die of. Of such a task
// the worker writes into the assignment that it starts (mark.go), so that the
// master can tell what ran from what never began; one that was lost twice runs
// with nothing beside it. So only who did it answers for the death of a guard,
// and for that of a worker.
//
// # The end of a worker
//
//	drain          unstarted tasks are handed back in one multi; running ones go on
//	the last ends  its report is written; the registration and the parent of the
//	               assignments are deleted in one multi, which is refused while there
//	               is an assignment that came late (depart.go); Run returns nil
//
//	stop           the same, and every command gets SIGTERM, every handler's ctx ends
//	+ StopGrace    SIGKILL; each attempt is recorded as interrupted; the
//	               registration is deleted as above; Run returns
//	+ 5 s          handlers that have not returned are waited for no longer
//
//	session lost   the guard kills every command; handlers' contexts end; the
//	               worker registers anew and records what it owes as interrupted,
//	               unless the master has moved it already
//
// # The guard
//
// One guard process per worker starts the worker's commands as its own
// children, in process groups of their own, and kills them all with SIGKILL
//
//   - when the pipe from the worker ends, because the worker did;
//   - when the lease passes that the worker keeps extending as the service
//     answers: 0.6 of a session timeout after the last question it answered.
//     It is measured by CLOCK_BOOTTIME, which goes on while a machine sleeps;
//   - when the worker says so.
//
// A guard that is stopped or stuck cannot do that. It answers each lease; when
// the last one it answered has passed and it does not say that all is dead, the
// worker kills it, well before the session can expire (guard_watch.go).
//
// When the main process of a command ends, the rest of its group is killed,
// and so are processes that left the group: the guard is the subreaper of its
// descendants (prctl(2)), inherits them, and knows them by MW_WORKER and
// MW_FENCE in their environment. One that left both its group and its
// environment lives until no command runs, or the lease ends; only the guard knows
// it, and if that is killed it lives on. The guard has no
// terminal; what is typed at the worker's does not reach it, and of signals it
// minds only SIGKILL. Then the kernel kills the commands, and the worker the rest.
// Killed together with its worker, the sentinel kills the rest: a third process
// that waits for the end of both (sentinel.go). Should all three be killed at once,
// what the commands had started lives until the next worker starts on the
// directory, which finds it by the mark (leftovers.go).
// What the two say to each other is in guard_frame.go, byte by byte.
//
// What runs has an empty stdin, no open file but that and its two outputs, the
// worker's umask, and an environment with nothing of the worker's but PATH,
// HOME, LANG, USER and TMPDIR (environ.go). What the worker itself makes is for
// its user only, whatever the umask.
//
// # Output
//
// The guard keeps each stream in a file of the worker's directory, its first
// OutputLimit bytes as they are; the last 16 KiB of both together go into the
// attempt's record. A full disk does not stop a command that runs: what could
// not be kept, and why, is said in the record. Old outputs are removed by age and total size (output.go). The
// worker serves them over HTTP (http.go).
package worker
