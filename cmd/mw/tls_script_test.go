package main

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mwqueue/mw/zkserver/certs/certstest"
)

// certsCommand makes certificates as makeCerts does: certs NAME
func certsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certs NAME")
	}
	makeCerts(ts, ts.MkAbs(args[0]))
}

// makeCerts makes a CA, NAME-ca.pem, and from it certificates with their keys:
// NAME-server.pem for the address 127.0.0.1, NAME-client.pem, and NAME-elsewhere.pem
// for a server of another name.
func makeCerts(t certstest.T, name string) {
	put := func(part string, text []byte) {
		if err := os.WriteFile(name+"-"+part+".pem", text, 0o600); err != nil {
			t.Fatalf("%v", err)
		}
	}
	ca := certstest.NewIssuer(t, filepath.Base(name))
	put("ca", ca.PEM())
	put("server", certstest.PEM(t, ca.Issue(t, certstest.Server("server"))))
	for _, part := range []string{"client", "elsewhere"} {
		template := certstest.Named(part)
		template.DNSNames = []string{part + ".example"}
		put(part, certstest.PEM(t, ca.Issue(t, template)))
	}
}
