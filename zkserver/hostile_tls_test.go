package zkserver

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The client has shaken hands and then reads nothing, not even the alert that
// would end the connection.
func TestClosingATLSConnectionWaitsForNobody(t *testing.T) {
	other := httptest.NewTLSServer(nil)
	pair := other.TLS.Certificates[0] // any will do
	other.Close()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}, SessionTicketsDisabled: true})
		var shaking sync.WaitGroup
		shaking.Go(func() {
			if err := tls.Client(near, &tls.Config{InsecureSkipVerify: true}).Handshake(); err != nil {
				t.Error(err)
			}
		})
		if err := server.Handshake(); err != nil {
			t.Fatal(err)
		}
		shaking.Wait()
		c := newConn(newRig(t).Server, server, addrOf(far))
		start := time.Now()
		c.close(errMoved)
		if took := time.Since(start); took > 0 {
			t.Errorf("the apply thread would have waited %v", took)
		}
	})
}
