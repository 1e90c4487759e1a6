package zkserver_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/mwqueue/mw/zkserver"
	"github.com/mwqueue/mw/zkserver/certs/certstest"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// A journal keeps what is logged.
type journal struct {
	mu   sync.Mutex // protects text
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// wait returns when a line has all words.
func (j *journal) wait(t *testing.T, words ...string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		j.mu.Lock()
		text := j.text.String()
		j.mu.Unlock()
		for line := range strings.Lines(text) {
			if !containsAll(line, words) {
				continue
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no line has all of %q in\n%s", words, text)
		}
	}
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// TestMembersWithoutAGoodCertificateStayOutsideAndAreNamed in the logs of both
// ends; and one that gets a good one is let in without a restart.
func TestMembersWithoutAGoodCertificateStayOutsideAndAreNamed(t *testing.T) {
	ours, theirs := certstest.NewIssuer(t, "ours"), certstest.NewIssuer(t, "theirs")
	name := func(s string) pkix.Name { return pkix.Name{CommonName: s} }
	tests := []struct {
		name  string
		wrong []byte // certificate of member 3; nil for none
		plain bool   // it speaks no TLS
		says  []string
		hears []string
	}{
		{"none", nil, true, []string{"connection refused", "member 3: it does not speak TLS"}, []string{"member refuses this one", "it does not speak TLS"}},
		{"of a stranger", issue(t, theirs, name("zk3")), false, []string{"connection refused", "member 3: its certificate, of CN=zk3, is no good", "unknown authority"}, []string{"member refuses this one", "CN=zk3"}},
		{"of another machine", issueFor(t, ours, name("zk9"), net.IPv4(10, 0, 0, 9)), false, []string{"connection refused", "member 3: its certificate, of CN=zk9, is no good", "127.0.0.1"}, []string{"member refuses this one", "CN=zk9"}},
		{"for servers only", certstest.PEM(t, ours.Issue(t, x509.Certificate{
			Subject: name("zk3"), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})), false, []string{"connection refused", "member 3: its certificate, of CN=zk3, is no good", "key usage"}, []string{"member refuses this one", "CN=zk3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ca := put(t, dir, "ca.pem", ours.PEM())
			good, bad := put(t, dir, "good.pem", issue(t, ours, name("good"))), put(t, dir, "bad.pem", tt.wrong)
			var logs []*journal
			e := zktest.NewEnsemble(t, 3, func(cfg *zkserver.Config) {
				logs = append(logs, &journal{})
				cfg.Log = zerolog.New(logs[len(logs)-1])
				cfg.Ensemble.TLS = zkserver.PeerTLS{Cert: good, Key: good, CA: ca}
				if len(logs) == 3 {
					cfg.Ensemble.TLS.Cert, cfg.Ensemble.TLS.Key = bad, bad
					if tt.plain {
						cfg.Ensemble.TLS = zkserver.PeerTLS{}
					}
				}
			})
			logs[0].wait(t, "serving clients")
			logs[1].wait(t, "serving clients")
			logs[0].wait(t, tt.says...)
			logs[2].wait(t, append(tt.hears, `"member":1`)...)
			logs[0].wait(t, "member not reached", `"member":3`)
			if tt.plain {
				return
			}
			put(t, dir, "bad.pem", issue(t, ours, name("zk3")))
			logs[2].wait(t, "changed certificates in use")
			logs[2].wait(t, "serving clients")
			e.Leader()
		})
	}
}
