package reference

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ServerScript is where Debian's package puts the program that starts the server,
// and Shell where it puts zkCli.sh.
const (
	ServerScript = "/usr/share/zookeeper/bin/zkServer.sh"
	Shell        = "/usr/share/zookeeper/bin/zkCli.sh"
)

// SuperDigest is the super user of the servers that Start starts: the digest of
// "super:secret", as zookeeper.DigestAuthenticationProvider.superDigest has it.
const SuperDigest = "super:lK75jTNcA+U9vtVEw5vB51mj/w4="

// startTimeout bounds the start of a JVM on a machine that is busy.
const startTimeout = 90 * time.Second

// A Server is one Apache ZooKeeper, standalone, on a port of the loopback.
type Server struct {
	t    testing.TB
	addr string
	cfg  string // path of its zoo.cfg
	dir  string
	cmd  *exec.Cmd
}

// Start starts a server on a temporary directory and stops it when the test ends.
// Its tick is 500 ms, sessions may be 1 s to 10 min, TTL znodes are on, nothing is
// synced to the disk, and containers and TTL znodes are not deleted by themselves.
// Each line is added to its zoo.cfg. It must run with [Need] done.
func Start(t testing.TB, lines ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(s.addr)
	s.cfg = filepath.Join(s.dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=500\ndataDir=%s/data\nclientPort=%s\nclientPortAddress=127.0.0.1\n"+
		"admin.enableServer=false\nmaxClientCnxns=0\nmaxSessionTimeout=600000\n4lw.commands.whitelist=*\n"+
		"autopurge.purgeInterval=0\n", s.dir, port)
	for _, l := range lines {
		text += l + "\n"
	}
	if err := os.WriteFile(s.cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run()
	t.Cleanup(s.stop)
	return s
}

// Addr returns where the server listens, as "host:port".
func (s *Server) Addr() string { return s.addr }

// Restart ends the server, if it has not ended by itself, and starts it anew on
// its data.
func (s *Server) Restart() {
	s.t.Helper()
	s.stop()
	s.run()
}

// Log returns the end of what the server logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "out"))
	return string(b[max(0, len(b)-4000):])
}

func (s *Server) run() {
	s.t.Helper()
	out, err := os.Create(filepath.Join(s.dir, "out"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.Command(ServerScript, "start-foreground", s.cfg)
	s.cmd.Env = append(os.Environ(), "ZOO_LOG_DIR="+s.dir, "JVMFLAGS=-Xmx512m -XX:+UseSerialGC"+
		" -Dzookeeper.extendedTypesEnabled=true -Dzookeeper.forceSync=no -Dznode.container.checkIntervalMs=3600000 -Dzookeeper.DigestAuthenticationProvider.superDigest="+SuperDigest)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("reference: start: %v", err)
	}
	for deadline := time.Now().Add(startTimeout); ; {
		if s.serves() {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("reference: no server at %s after %v\n%s", s.addr, startTimeout, s.Log())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// serves reports whether the server answers: it listens before it does.
func (s *Server) serves() bool {
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		return false
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Second))
	io.WriteString(nc, "srvr")
	b, _ := io.ReadAll(nc)
	return strings.Contains(string(b), "Mode: ")
}

func (s *Server) stop() {
	if s.cmd == nil {
		return
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	s.cmd.Wait() // always "killed"
	s.cmd = nil
}

// freeAddr returns an address of the loopback that was free a moment ago.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
