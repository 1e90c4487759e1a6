// Package certs reads the certificates of either end of TLS from PEM files, follows
// the files while they change, and tells the name that a certificate gives its owner.
//
//	r, err := certs.Open(certs.Files{Cert: "s.pem", Key: "s.pem", CA: "ca.pem"}, &tls.Config{}, log)
//	if err != nil {
//		return err
//	}
//	conn := tls.Server(nc, r.Server())
//
// A server keeps a [Reloader], and looks at the files when a client connects. A
// client reads them anew for each connection: [ReadKeyPair], [ReadCAs].
//
// Nothing here starts a goroutine.
package certs
