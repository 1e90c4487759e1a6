package zoocfg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembersAsFlagsHaveThemNeedOnePortAlone(t *testing.T) {
	tests := []struct {
		text string
		want Server
	}{
		{"1=zk1:2888", Server{ID: 1, Addresses: []Address{{"zk1", 2888, 0}}}},
		{"1=a:2:observer", Server{ID: 1, Addresses: []Address{{"a", 2, 0}}, Observer: true}},
		{"255=[::1]:2888:3888:observer;2181", Server{ID: 255, Addresses: []Address{{"::1", 2888, 3888}}, Observer: true, ClientPort: 2181}},
	}
	for _, tt := range tests {
		got, err := ParseMember(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.text, diff)
		}
	}
	for _, bad := range []string{"", "1", "zk1:2888", "-1=a:1", "256=a:1", "x=a:1", "1=a", "1=:2888", "1=a:0"} {
		if s, err := ParseMember(bad); err == nil {
			t.Errorf("%q is taken as %+v", bad, s)
		}
	}
}

func TestAServerServesClientsWhereItsLineSays(t *testing.T) {
	tests := []struct {
		text    string
		id      int
		port    int
		address string
		err     string
	}{
		{"server.1=a:1:2;2181\nserver.2=b:1:2;127.0.0.1:2182", 2, 2182, "127.0.0.1", ""},
		{"clientPort=2181\nserver.1=a:1:2\nserver.2=b:1:2", 1, 2181, "", ""},
		{"clientPort=2181\nclientPortAddress=::1\nserver.1=a:1:2;2181\nserver.2=b:1:2", 1, 2181, "::1", ""},
		{"clientPort=2181\nserver.1=a:1:2;2182\nserver.2=b:1:2", 1, 0, "", "clientPort is 2181, but server.1 ends with ;2182"},
		{"server.1=a:1:2\nserver.2=b:1:2", 3, 0, "", "this server's number is 3, but the servers are 1, 2"},
	}
	for _, tt := range tests {
		c := parse(t, tt.text)
		err := c.TakePart("zoo.cfg", tt.id)
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%q: %v, want %q", tt.text, err, tt.err)
		case tt.err == "" && (err != nil || c.ClientPort != tt.port || c.ClientAddress != tt.address):
			t.Errorf("%q: %s:%d, %v, want %s:%d", tt.text, c.ClientAddress, c.ClientPort, err, tt.address, tt.port)
		}
	}
}

func TestKeysOfTLSBetweenMembers(t *testing.T) {
	c := parse(t, "dataDir=/d\nclientPort=1\nsslQuorum=true\nportUnification=true\nssl.quorum.keyStore.location=a.pem\nssl.quorum.trustStore.location=ca.pem\n"+
		"ssl.quorum.hostnameVerification=false\nssl.quorum.enabledProtocols=TLSv1.2\nssl.quorum.clientAuth=need")
	want := PeerTLS{On: true, Unify: true, KeyStore: "a.pem", TrustStore: "ca.pem", AnyName: true}
	if diff := cmp.Diff(want, c.PeerTLS); diff != "" {
		t.Error(diff)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].String(), "enabledProtocols has no effect: members speak TLS 1.3") {
		t.Errorf("warnings %v", c.Warnings)
	}
	if err := c.Check("zoo.cfg"); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"ssl.quorum.crl=true":         "revocation lists are not looked at",
		"quorum.auth.enableSasl=true": "there is no SASL: members know each other by certificates",
		"ssl.quorum.keyStore.type=x":  "must be PEM",
	} {
		if _, err := Parse("zoo.cfg", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
