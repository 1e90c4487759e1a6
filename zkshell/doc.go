// Package zkshell is the shell of ZooKeeper: it reads a line such as
// "create -s /a/b- data", does it, and prints what zkCli.sh of Apache ZooKeeper 3.8
// would print, to the letter, so that habits, scripts and documentation carry over.
//
//	sh := zkshell.New(zkshell.Config{Servers: "127.0.0.1:2181", Resolve: resolve, Out: os.Stdout, Err: os.Stderr})
//	defer sh.Close()
//	if err := sh.Connect(ctx); err != nil { … }
//	code := sh.Do(ctx, []string{"ls", "/"})  // one command
//	code, err := sh.Script(ctx, os.Stdin)    // a line each
//	code, err := sh.Interact(ctx, terminal)  // a person: editing, history, completion
//
// # From line to answer
//
//	line ──Split──> words ──options.parse──> options and arguments ──command.run──> lines
//
// All but run is pure: parse.go and options.go (which behaves as Apache's
// commons-cli, with its error texts), path.go, acl.go, statstrack.go, format.go,
// complete.go. A command's run asks the server through the call it is given, which
// checks paths and turns codes into zkCli's sentences.
//
// # Where it differs from zkCli.sh 3.8.0, on purpose
//
//   - What makes zkCli.sh end with a Java stack trace (a version that is no number, a
//     bad path of addWatch) is an error line here, and the shell goes on.
//   - A line of which nothing can be read, like a lone quote, makes zkCli.sh do the
//     line before it again; here it is an error.
//   - "help" lists the commands and is no error; "rmr" is deleteall with a warning.
//   - "Created …" is an answer and goes to stdout, as every other answer does.
//   - Without a terminal there is no banner, and events of the connection itself go
//     to stderr: stdout has only answers and what watches saw.
//   - addauth waits for the server's word. The session ends with the shell, not
//     by its timeout.
//
// Source: zkCli.sh of Debian's zookeeper 3.8.0, tried command by command.
package zkshell
