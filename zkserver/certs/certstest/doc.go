// Package certstest makes certificates for tests: an issuer, and what it signs.
//
//	ca := certstest.NewIssuer(t, "ca")
//	server := ca.Issue(t, certstest.Server("server"))
//	cfg := &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: ca.Pool()}
//	os.WriteFile("server.pem", certstest.PEM(t, server), 0o600)
//
// All are valid from an hour ago for a day, and good for both ends of a connection
// unless the template says otherwise.
package certstest
