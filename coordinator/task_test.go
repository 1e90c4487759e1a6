package coordinator

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSpec(t *testing.T) {
	tests := []struct {
		name string
		data string
		want Spec
		bad  bool
	}{
		{name: "typed by hand", data: "echo hi; exit 3", want: Spec{Shell: "echo hi; exit 3"}},
		{name: "a shell group is no JSON", data: "{ echo a; }", want: Spec{Shell: "{ echo a; }"}},
		{name: "half a JSON object is no JSON", data: `{"shell":`, want: Spec{Shell: `{"shell":`}},
		{name: "a JSON string is a command", data: `"echo"`, want: Spec{Shell: `"echo"`}},
		{name: "object", data: ` {"argv":["wc","-w"],"timeout":1.5} `, want: Spec{Argv: []string{"wc", "-w"}, Timeout: Duration(1500 * time.Millisecond)}},
		{name: "timeout as text", data: `{"shell":"x","timeout":"1m30s"}`, want: Spec{Shell: "x", Timeout: Duration(90 * time.Second)}},
		{name: "unknown fields", data: `{"shell":"x","color":"red"}`, want: Spec{Shell: "x"}},
		{name: "control", data: `{"control":"cancel","task":"task-0000000042"}`, want: Spec{Control: "cancel", Task: "task-0000000042"}},
		{name: "wrong type", data: `{"argv":"wc -w"}`, bad: true},
		{name: "timeout of another kind", data: `{"shell":"x","timeout":[]}`, bad: true},
		{name: "endless timeout", data: `{"shell":"x","timeout":1e300}`, bad: true},
		{name: "timeout in bad words", data: `{"shell":"x","timeout":"soon"}`, bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseSpec([]byte(tt.data))
			if (err != nil) != tt.bad {
				t.Fatalf("err = %v, want bad = %v", err, tt.bad)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestValidateSpec(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		want string // "" is valid, else part of the error
	}{
		{"shell", Spec{Shell: "true"}, ""},
		{"argv", Spec{Argv: []string{"echo", ""}, Env: map[string]string{"A": "", "B": "c=d"}}, ""},
		{"handler", Spec{Handler: "h", Payload: json.RawMessage(`{"a":1}`)}, ""},
		{"control", Spec{Control: "cancel", Task: "task-0000000042"}, ""},
		{"nothing", Spec{}, "empty command"},
		{"blanks", Spec{Shell: " \n"}, "empty command"},
		{"two", Spec{Shell: "true", Argv: []string{"true"}}, "more than one"},
		{"empty program", Spec{Argv: []string{"", "x"}}, "empty word"},
		{"NUL", Spec{Argv: []string{"a\x00b"}}, "NUL"},
		{"NUL in the environment", Spec{Shell: "x", Env: map[string]string{"A": "\x00"}}, "NUL"},
		{"what JSON would change", Spec{Shell: "ls \xff"}, "UTF-8"},
		{"name of a variable", Spec{Shell: "x", Env: map[string]string{"A=B": ""}}, "environment"},
		{"no name of a variable", Spec{Shell: "x", Env: map[string]string{"": "x"}}, "environment"},
		{"timeout", Spec{Shell: "x", Timeout: -1}, "negative"},
		{"relative dir", Spec{Shell: "x", Dir: "src"}, "begin with /"},
		{"payload", Spec{Handler: "h", Payload: json.RawMessage("{")}, "payload"},
		{"path as task", Spec{Control: "cancel", Task: "../master"}, "no task"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.spec.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSpecIsReadableJSON(t *testing.T) {
	got := string(Spec{Key: "k", Shell: "a < b && c > d", Timeout: Duration(90 * time.Second)}.Encode())
	const want = `{"key":"k","shell":"a < b && c > d","timeout":90}`
	if got != want {
		t.Errorf("Encode = %s, want %s", got, want)
	}
}

func TestRecordsComeBack(t *testing.T) {
	spec := Spec{Key: "k", Argv: []string{"a", "b c"}, Name: "n", Env: map[string]string{"A": "b"}, Dir: "/tmp", Timeout: Duration(1234567 * time.Microsecond)}
	if got, err := ParseSpec(spec.Encode()); err != nil || !cmp.Equal(got, spec) {
		t.Errorf("spec: %v, %v", got, err)
	}
	assignment := Assignment{Attempt: 3, Term: -7}
	if got := ParseAssignment(assignment.Encode()); got != assignment {
		t.Errorf("assignment: %v", got)
	}
	attempt := Attempt{
		Worker: "w1-0badcafe", Addr: "h:1", Started: time.Unix(1, 2).UTC(), Ended: time.Unix(3, 4).UTC(),
		Outcome: OutcomeFailed, Exit: 3, Signal: "KILL", Error: "e", Stdout: Tail("hi\n<b>"), Stderr: Tail("\xff\x00"),
		StdoutBytes: 1 << 40, StderrBytes: 2,
	}
	if diff := cmp.Diff(attempt, ParseAttemptData(attempt.Encode())); diff != "" {
		t.Errorf("attempt: -want +got:\n%s", diff)
	}
	registration := Registration{Name: "w1", Addr: "h:1", Slots: 4, Labels: map[string]string{"a": "b"}, Host: "h", PID: 7, Version: "v", Marks: true, Stopping: 2}
	if diff := cmp.Diff(registration, ParseRegistration(registration.Encode())); diff != "" {
		t.Errorf("registration: -want +got:\n%s", diff)
	}
}

func TestWhichLostAttemptsAreCharged(t *testing.T) {
	for _, test := range []struct {
		data string
		want bool
	}{
		{``, true},
		{`{"attempt":1}`, true},
		{`{"attempt":2,"lost":1}`, false},
		{`{"attempt":2,"lost":1,"started":5}`, true},
		{`{"attempt":3,"lost":2}`, false},
		{`{"attempt":3,"lost":2,"started":5}`, false},
		{`{"attempt":3,"lost":2,"started":5,"alone":true}`, true},
		{`{"attempt":3,"lost":2,"alone":true}`, false},
	} {
		if got := ParseAssignment([]byte(test.data)).Charged(); got != test.want {
			t.Errorf("%s charged = %v, want %v", test.data, got, test.want)
		}
	}
}

// What a person types into zkCli is understood.
func TestRecordsMadeByHand(t *testing.T) {
	if got := ParseAssignment(nil); got != (Assignment{}) {
		t.Errorf("assignment of nothing = %v", got)
	}
	if got := ParseAssignment([]byte(`{"attempt":-3}`)); got != (Assignment{}) {
		t.Errorf("assignment of a negative attempt = %v", got)
	}
	if got := ParseStatus([]byte(" done\n")); got != StatusDone {
		t.Errorf("status = %q", got)
	}
	if got := ParseAttemptData([]byte("failed\n")); got.Outcome != OutcomeFailed {
		t.Errorf("attempt = %v", got)
	}
	if got := ParseAttemptData([]byte(`{"outcome":"done","exit":"zero","worker":"w"}`)); got.Outcome != OutcomeDone || got.Worker != "w" {
		t.Errorf("attempt with one wrong type = %v", got)
	}
	if got, want := ParseRegistration([]byte("w1:2224\n")), (Registration{Addr: "w1:2224", Slots: 1}); !cmp.Equal(got, want) {
		t.Errorf("registration = %v, want %v", got, want)
	}
	if got := ParseRegistration([]byte(`{"slots":1000000000}`)).Slots; got != maxSlots {
		t.Errorf("slots = %d, want %d", got, maxSlots)
	}
}
