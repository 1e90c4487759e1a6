// Package master decides which worker runs which task. Run several masters:
// one leads, the others stand by and take over at once when it goes.
//
//	m, err := master.New(master.Config{Coordinator: coordinator.Config{Servers: servers}})
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx) // until ctx ends; then a standby takes over at once
//
// # How a task moves
//
//	/tasks  /workers  /assign     the tree
//	          │
//	          ▼ lists
//	       follower               follow.go: what changes, as facts
//	          │ facts                                            ┌──────────┐
//	          ▼                                                  ▼          │
//	        board                 board.go: pure ── questions ─► reader ────┤ answers
//	          │ moves             place.go: who gets what        read.go    │
//	          ▼                                                             │
//	       carrier                carry.go: many moves, one fenced multi ───┘ outcomes
//	          │
//	          ▼
//	     /assign/<worker>/<task>
//
// One loop at a time owns the board: that of the standby (work.go) or that of
// the leader (lead.go). Moves are written like this, each as a whole or not at
// all, many in one multi; every multi begins with the check of the term:
//
//	assign     check /workers/W · check /tasks/T · create /assign/W/T
//	reassign   check /workers/W · delete /assign/dead/T · create T's attempt, lost · create /assign/W/T
//	lose       delete /assign/dead/T · create T's attempt, lost        nobody has room now, or T is to run alone
//	bury       the same · create T's status, dead                      too many died on it
//	drop       delete /assign/W/T                                      T is final, gone, or with another
//	dismiss    delete /assign/dead
//	cancel     [delete /assign/W/T · create T's attempt, cancelled] · create T's status · create the directive's
//	refuse     create the directive's attempt, failed · create its status
//	forget     delete what is below T · delete T
//
// # What is promised
//
// No state lives only in memory. A board is made from the tree, and a new term
// examines each task that is not known to be final once before it assigns it:
// does it have a status, how many attempts, how many of its workers died?
//
// A task is in the list of at most one worker, as far as masters go. Within a
// term the board sees to it. Between terms the fence does: the first thing a
// term does is to make every write of earlier terms impossible, the second is
// to list all assignments. A write whose answer was lost may still be carried
// out; therefore it ends the term.
//
// Tasks are assigned the oldest first, each to the worker with the most free
// slots. A worker that completes tasks quickly is given more than it has slots,
// as much as it should complete within 100 ms. The tasks of a worker that died
// go before those that wait, and away from where they died if there is a
// choice. A task that MaxLost workers died on becomes "dead"; attempts that were
// interrupted, or tasks handed back, are not counted. So does a task with an
// attempt of the highest number there is, [coordinator.MaxAttempts].
//
// A worker that dies takes all its tasks with it, whichever of them was to blame.
// So that no task becomes dead because of another,
//
//   - the first loss always counts, but later ones only if the assignment says that
//     its command was started (see [coordinator.Assignment]): one that was not is
//     assigned anew, as the same attempt;
//   - a task that was lost twice is a suspect and runs alone: on a worker without
//     load, which is given nothing else until it is gone. Only when it was alone do
//     further losses count; otherwise the attempt is interrupted. Suspects and
//     others share the workers by turns, see suspect.go.
//
// A task with a control is for the master itself. It is found at once, however
// long the line is before it. If it cannot be carried out, its status is
// "failed" and its attempt says why.
//
// Final tasks are deleted an hour after their end (Retention), or when there are
// more than 10,000 (RetainTasks), whichever comes first, but not within five
// seconds.
//
// # Roles played by hand
//
// A person can be any of the parties. While somebody else holds /master, ours
// stands by; assignments a person made are honoured, with or without data. A
// worker registered as "host:port" has one slot and is given nothing ahead; when
// it writes a task's status and nothing else, the master removes the assignment.
// A status written by hand ends a task that waits. What is put below an assignment
// is deleted together with it.
//
// # What it costs
//
// A task costs one read before it is assigned and one after it has left its
// worker's list, and a multi costs one write for up to 48 tasks. A waiting or
// finished task takes about 40 bytes of memory. Nothing is read or written
// while nothing happens, but for one listing of each followed path a minute. A
// long /tasks is not listed for each new task, but for what else changes in it.
// A standby reads, besides the lists, whether tasks that left them are final,
// eight at a time, so that it need not when it takes over.
//
// # Over HTTP
//
//	GET /healthz      200 and the role; 503 without a session
//	GET /api/board    a [View] as JSON: role, term, counts, workers, last moves
//
// The request must name the server by an IP address, as localhost, by the name of
// its machine, or by the name it listens on or is advertised by; else the answer
// is 421.
package master
