package zkserver

import (
	"testing"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wire"
)

func TestReconfigMakesAListOfMembers(t *testing.T) {
	now := []ensemble.Member{
		{Number: 1, Address: "a:1", Spec: "a:1:2:participant;0.0.0.0:2181"},
		{Number: 2, Address: "b:1", Spec: "b:1:2:participant;0.0.0.0:2181"},
		{Number: 3, Address: "c:1", Spec: "c:1:2:observer", Observer: true},
	}
	one, two, three := "server.1=a:1:2:participant;0.0.0.0:2181\n", "server.2=b:1:2:participant;0.0.0.0:2181\n", "server.3=c:1:2:observer\n"
	tests := []struct {
		name                     string
		joining, leaving, wanted string
		want                     string // "" for bad arguments
	}{
		{name: "one joins", joining: "server.4=d:1:2;2182", want: one + two + three + "server.4=d:1:2:participant;0.0.0.0:2182\n"},
		{name: "one leaves", leaving: "3", want: one + two},
		{name: "an observer gets a vote", joining: "server.3=c:1:2:participant;c:2181", want: one + two + "server.3=c:1:2:participant;c:2181\n"},
		{name: "one takes the place of another", joining: "server.4=[::1]:1:2;2182", leaving: "2", want: one + three + "server.4=[::1]:1:2:participant;0.0.0.0:2182\n"},
		{name: "a whole list", wanted: "server.1=a:1:2;2181,server.2=b:1:2:participant;0.0.0.0:2181", want: one + two},
		{name: "a list with a version", wanted: "server.1=a:1:2;2181\nserver.2=b:1:2;2181\nversion=100\n", want: one + two},
		{name: "none that joins has a port for clients", joining: "server.4=d:1:2"},
		{name: "too few voters", leaving: "2"},
		{name: "no number", leaving: "x"},
		{name: "no ports", joining: "server.4=d;2182"},
		{name: "a port of another", joining: "server.4=a:1:9;2182"},
		{name: "a number too large", joining: "server.256=d:1:2;2182"},
		{name: "a number twice", wanted: "server.1=a:1:2;2181,server.1=b:1:2;2181,server.2=c:1:2;2181"},
		{name: "a group", wanted: "group.1=1:2"},
		{name: "nothing", wanted: " "},
	}
	for _, tt := range tests {
		q := wire.ReconfigRequest{JoiningServers: []byte(tt.joining), LeavingServers: []byte(tt.leaving)}
		if tt.wanted != "" {
			q.NewMembers = []byte(tt.wanted)
		}
		got := ""
		if list, err := wantedMembers(q, now); err == nil {
			got = configText(list)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzReconfigLists(f *testing.F) {
	f.Add([]byte("server.4=d:1:2;2182"), []byte("1,2"))
	f.Fuzz(func(t *testing.T, joining, leaving []byte) {
		list, err := wantedMembers(wire.ReconfigRequest{JoiningServers: joining, LeavingServers: leaving}, nil)
		if err != nil {
			return
		}
		again, err := wantedMembers(wire.ReconfigRequest{NewMembers: []byte(configText(list))}, nil)
		if err != nil || configText(again) != configText(list) {
			t.Errorf("%q became %q, %v", configText(list), configText(again), err)
		}
	})
}

func TestConfigVersionIsHexadecimal(t *testing.T) {
	for text, want := range map[string]int64{"server.1=a:1:2\nversion=100000000": 1 << 32, "version=0": 0, "": -1, "version=x": -1} {
		if got := configVersion([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
