package ensemble

import (
	"fmt"

	"github.com/rs/zerolog"
	"go.etcd.io/raft/v3"
)

// raftLogger gives raft's own lines to our log. What raft calls information
// is for debugging.
type raftLogger struct{ log zerolog.Logger }

var _ raft.Logger = raftLogger{}

func (r raftLogger) say(e *zerolog.Event, text func() string) {
	if e.Enabled() {
		e.Str("op", text()).Msg("raft")
	}
}

func (r raftLogger) Debug(v ...any) { r.say(r.log.Trace(), func() string { return fmt.Sprint(v...) }) }
func (r raftLogger) Debugf(f string, v ...any) {
	r.say(r.log.Trace(), func() string { return fmt.Sprintf(f, v...) })
}
func (r raftLogger) Info(v ...any) { r.say(r.log.Debug(), func() string { return fmt.Sprint(v...) }) }
func (r raftLogger) Infof(f string, v ...any) {
	r.say(r.log.Debug(), func() string { return fmt.Sprintf(f, v...) })
}
func (r raftLogger) Warning(v ...any) { r.say(r.log.Warn(), func() string { return fmt.Sprint(v...) }) }
func (r raftLogger) Warningf(f string, v ...any) {
	r.say(r.log.Warn(), func() string { return fmt.Sprintf(f, v...) })
}
func (r raftLogger) Error(v ...any) { r.say(r.log.Error(), func() string { return fmt.Sprint(v...) }) }
func (r raftLogger) Errorf(f string, v ...any) {
	r.say(r.log.Error(), func() string { return fmt.Sprintf(f, v...) })
}

// Raft calls the ones below when an invariant is broken. A member must stop
// then rather than diverge from the others.

func (r raftLogger) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (r raftLogger) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (r raftLogger) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (r raftLogger) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
