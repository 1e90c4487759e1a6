package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/wire"
)

// The text is what Apache ZooKeeper 3.8.0 has in /zookeeper/config.
func TestMembersAreReadFromTheConfigurationInTheTree(t *testing.T) {
	text := "server.2=127.0.0.1:2889:3889:observer;[::1]:2182\nserver.1=127.0.0.1:2888:3888:participant;0.0.0.0:2181\nversion=10000000a"
	got, err := parseMembership(text)
	if err != nil {
		t.Fatal(err)
	}
	want := membership{Version: "10000000a", Members: []listedMember{
		{Number: 1, Address: "127.0.0.1:2888", Role: "participant", Client: "0.0.0.0:2181"},
		{Number: 2, Address: "127.0.0.1:2889", Role: "observer", Client: "[::1]:2182"},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(membership{}, listedMember{})); diff != "" {
		t.Error(diff)
	}
	if got.version != 0x10000000a {
		t.Errorf("version %#x", got.version)
	}
	for _, bad := range []string{"server.1=x", "server.x=a:1:2", "version=g"} {
		if m, err := parseMembership(bad); err == nil {
			t.Errorf("%q is taken as %+v", bad, m)
		}
	}
}

func TestWhetherMembersHaveChangedIsUnknownAfterALostAnswer(t *testing.T) {
	for _, tt := range []struct {
		err     error
		unknown bool
	}{
		{client.ErrConnectionLost, true},
		{client.ErrNotFinished, true},
		{client.ErrSessionExpired, true},
		{&client.Error{Code: wire.OperationTimeout}, true},
		{client.ErrNotConnected, false},
		{&client.Error{Code: wire.ReconfigInProgress}, false},
	} {
		if got := outcomeUnknown(fmt.Errorf("reconfig: %w", tt.err)); got != tt.unknown {
			t.Errorf("%v: unknown is %v, want %v", tt.err, got, tt.unknown)
		}
	}
}
