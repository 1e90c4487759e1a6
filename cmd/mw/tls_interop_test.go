package main

import (
	"net"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/client"
	"github.com/mwqueue/mw/zkserver/reference"
	"github.com/mwqueue/mw/zkserver/wire"
)

// Both clients of mw, that of the queue and that of mw zk, speak TLS with Apache
// ZooKeeper's secureClientPort.
func TestInteropTLSWithApacheZooKeeper(t *testing.T) {
	reference.Need(t)
	certs := filepath.Join(t.TempDir(), "one")
	makeCerts(t, certs)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close() // taken again at once
	_, port, _ := net.SplitHostPort(addr)
	reference.Start(t, "secureClientPort="+port, "secureClientPortAddress=127.0.0.1",
		"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
		"ssl.keyStore.location="+certs+"-server.pem", "ssl.trustStore.location="+certs+"-ca.pem", "ssl.clientAuth=need")
	files := pemFiles{ca: certs + "-ca.pem", cert: certs + "-client.pem"}

	c, err := client.Dial(t.Context(), client.Config{Servers: []string{addr}, Dial: files.dial})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	who, err := c.WhoAmI(t.Context())
	if want := (wire.ID{Scheme: "x509", ID: "CN=client"}); err != nil || !slices.Contains(who, want) {
		t.Errorf("the server knows the client as %v, %v; want %v among them", who, err, want)
	}

	s, err := coordinator.Connect(t.Context(), coordinator.Config{Servers: []string{addr}, Dial: files.dial})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Create(t.Context(), "/over-tls", nil, coordinator.Persistent); err != nil {
		t.Error(err)
	}
}
