package coordinator

import (
	"slices"
	"testing"
	"time"
)

func TestParseServers(t *testing.T) {
	tests := []struct {
		in      string
		servers []string
		chroot  string
		bad     bool
	}{
		{in: "127.0.0.1:2181", servers: []string{"127.0.0.1:2181"}},
		{in: "a:1,b:2/mw/x", servers: []string{"a:1", "b:2"}, chroot: "/mw/x"},
		{in: "a, b:2", servers: []string{"a:2181", "b:2"}},
		{in: "a:1/", servers: []string{"a:1"}},
		{in: "[::1]:2181", servers: []string{"[::1]:2181"}},
		{in: "::1", servers: []string{"[::1]:2181"}},
		{in: "[fe80::2]", servers: []string{"[fe80::2]:2181"}},
		{in: "", bad: true},
		{in: "a:1,", bad: true},
		{in: ":1", bad: true},
		{in: "a:0", bad: true},
		{in: "a:70000", bad: true},
		{in: "a:b", bad: true},
		{in: "a b:1", bad: true},
		{in: "/mw", bad: true},
		{in: "a:1/x//y", bad: true},
		{in: "a:1/../x", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			servers, chroot, err := ParseServers(tt.in)
			if (err != nil) != tt.bad {
				t.Fatalf("err = %v, want bad = %v", err, tt.bad)
			}
			if !slices.Equal(servers, tt.servers) || chroot != tt.chroot {
				t.Errorf("got %q %q, want %q %q", servers, chroot, tt.servers, tt.chroot)
			}
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := Config{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.SessionTimeout != 5*time.Second || !slices.Equal(c.Servers, []string{"127.0.0.1:2181"}) || c.Dial == nil {
		t.Errorf("defaults = %+v", c)
	}
	for _, bad := range []Config{
		{SessionTimeout: -1},
		{SessionTimeout: time.Millisecond},
		{Servers: []string{"nonsense:port"}},
		{Chroot: "/a/../b"},
		{Chroot: "relative"},
	} {
		if _, err := bad.withDefaults(); err == nil {
			t.Errorf("withDefaults(%+v) is no error", bad)
		}
	}
}
