package reference

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
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

// JVMFlags let a JVM that lives for seconds start with less than half the work. They
// are for JVMFLAGS, which both programs take.
const JVMFlags = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"

// SuperDigest is the super user of the servers that Start starts: the digest of
// "super:secret", as zookeeper.DigestAuthenticationProvider.superDigest has it.
const SuperDigest = "super:lK75jTNcA+U9vtVEw5vB51mj/w4="

// startTimeout bounds the start of a JVM on a machine that is busy.
const startTimeout = 90 * time.Second

// A Server is one Apache ZooKeeper, standalone or of an [Ensemble], on a port of
// the loopback.
type Server struct {
	t    testing.TB
	addr string
	cfg  string // path of its zoo.cfg
	dir  string
	cmd  *exec.Cmd

	// netty is set for a server with NettyServerCnxnFactory, which TLS takes:
	// Debian's program does not find Netty by itself.
	netty bool
}

// Start starts a server on a temporary directory and stops it when the test ends.
// Its tick is 500 ms, sessions may be 1 s to 10 min, TTL znodes are on, nothing is
// synced to the disk, and containers and TTL znodes are not deleted by themselves.
// Each line is added to its zoo.cfg. It must run with [Need] done.
func Start(t testing.TB, lines ...string) *Server {
	t.Helper()
	s := newServer(t, lines...)
	s.run()
	return s
}

// newServer writes what a server needs to start. It is stopped when the test ends.
func newServer(t testing.TB, lines ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.addr = FreeAddr(t)
	_, port, _ := net.SplitHostPort(s.addr)
	s.cfg = filepath.Join(s.dir, "zoo.cfg")
	text := fmt.Sprintf("tickTime=500\ndataDir=%s/data\nclientPort=%s\nclientPortAddress=127.0.0.1\n"+
		"admin.enableServer=false\nmaxClientCnxns=0\nmaxSessionTimeout=600000\n4lw.commands.whitelist=*\n"+
		"autopurge.purgeInterval=0\n", s.dir, port)
	for _, l := range lines {
		text += l + "\n"
		s.netty = s.netty || strings.HasSuffix(l, "NettyServerCnxnFactory")
	}
	if err := os.WriteFile(s.cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Addr returns where the server listens, as "host:port".
func (s *Server) Addr() string { return s.addr }

// Restart ends the server, if it has not ended by itself, and starts it anew on
// its data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.run()
}

// Kill ends the server as kill -9 does. A server that has ended is left alone.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	s.cmd.Wait() // always "killed"
	s.cmd = nil
}

// Pause stops the server's process as SIGSTOP does, until resume is called.
func (s *Server) Pause() (resume func()) {
	pid := s.cmd.Process.Pid
	syscall.Kill(-pid, syscall.SIGSTOP)
	return func() { syscall.Kill(-pid, syscall.SIGCONT) }
}

// Waiting returns how many requests of clients the server has not answered.
func (s *Server) Waiting() int {
	n := 0
	for line := range strings.Lines(s.word("srvr")) {
		fmt.Sscanf(line, "Outstanding: %d", &n)
	}
	return n
}

// Mode returns what the server says it is: "standalone", "leader", "follower",
// or "" while it does not serve.
func (s *Server) Mode() string {
	for line := range strings.Lines(s.word("srvr")) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode)
		}
	}
	return ""
}

// Log returns the end of what the server logged.
func (s *Server) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "out"))
	return string(b[max(0, len(b)-4000):])
}

// run starts the server and waits until it serves.
func (s *Server) run() {
	s.t.Helper()
	s.launch()
	s.await()
}

// launch starts the process.
func (s *Server) launch() {
	s.t.Helper()
	out, err := os.OpenFile(filepath.Join(s.dir, "out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.Command(ServerScript, "start-foreground", s.cfg)
	s.cmd.Env = append(os.Environ(), "ZOO_LOG_DIR="+s.dir, "JVMFLAGS=-Xmx512m "+JVMFlags+
		" -Dzookeeper.extendedTypesEnabled=true -Dzookeeper.forceSync=no -Dznode.container.checkIntervalMs=3600000 -Dzookeeper.DigestAuthenticationProvider.superDigest="+SuperDigest+s.nettyFlag())
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("reference: start: %v", err)
	}
}

// nettyFlag lets the server find Netty, which Debian has in parts.
func (s *Server) nettyFlag() string {
	if !s.netty {
		return ""
	}
	parts, _ := filepath.Glob("/usr/share/java/netty-*.jar")
	return " -Xbootclasspath/a:" + strings.Join(parts, ":")
}

// await waits until the server serves: it listens before it does.
func (s *Server) await() {
	s.t.Helper()
	for deadline := time.Now().Add(startTimeout); ; {
		if s.Mode() != "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("reference: no server at %s after %v\n%s", s.addr, startTimeout, s.Log())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// word returns the answer to a four-letter word, or what came of it.
func (s *Server) word(w string) string {
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		return ""
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Second))
	io.WriteString(nc, w)
	b, _ := io.ReadAll(nc)
	return string(b)
}

// nextPort is the port that FreeAddr tries next.
var nextPort atomic.Int32

func init() { nextPort.Store(10_000 + rand.Int32N(20_000)) }

// FreeAddr returns an address of the loopback that was free a moment ago. It is
// below those that the system gives out by itself, so that nobody gets it while a
// server that was killed is started again.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", nextPort.Add(1)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("reference: 100 ports in a row are taken")
	return ""
}
