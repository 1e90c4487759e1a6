package ensemble_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
)

// A slowMachine takes its time to load a state.
type slowMachine struct {
	*machine
	takes time.Duration
}

func (m slowMachine) Restore(r io.Reader) error {
	time.Sleep(m.takes)
	return m.machine.Restore(r)
}

// A mailman is a transport of which the test knows when it runs and what it sends.
type mailman struct {
	runs chan ensemble.Receiver
	sent chan []byte
}

func newMailman() *mailman {
	return &mailman{runs: make(chan ensemble.Receiver, 9), sent: make(chan []byte, 999)}
}

func (m *mailman) Run(ctx context.Context, r ensemble.Receiver) error {
	m.runs <- r
	<-ctx.Done()
	return nil
}
func (m *mailman) SendRaft(int, *pb.Message)     {}
func (m *mailman) SetMembers([]ensemble.Member)  {}
func (m *mailman) SendFrame(_ int, frame []byte) { m.sent <- frame }
func (m *mailman) SendSnapshot(context.Context, int, func(ensemble.Part) (io.ReadCloser, error)) error {
	return nil
}

// seeded is the configuration of a server that ran alone and has become a member.
func seeded(t *testing.T, takes time.Duration) (ensemble.Config, *mailman) {
	t.Helper()
	disk, post := waltest.New(1), newMailman()
	if err := ensemble.Seed(ensemble.Config{Dir: dir, FS: disk}, 1, newMachine().Capture()); err != nil {
		t.Fatal(err)
	}
	cfg := ensemble.Config{
		Dir: dir, FS: disk, Machine: newMachine(), Transport: post,
		Number: 3, Members: []ensemble.Member{{Number: 1}, {Number: 2}, {Number: 3}},
	}
	becomeMember(t, cfg, post)
	cfg.Machine = slowMachine{newMachine(), takes}
	return cfg, post
}

// becomeMember runs a node until two others that are new have been heard.
func becomeMember(t *testing.T, cfg ensemble.Config, post *mailman) {
	t.Helper()
	n, err := ensemble.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- n.Run(t.Context()) }()
	r := <-post.runs
	synctest.Wait()
	select {
	case <-n.Ready():
		t.Error("it takes part before it has heard the others")
	default:
	}
	for from := 1; from <= 2; from++ {
		first := ensemble.Credentials{Number: from, Directory: uint64(10 + from)}
		r.ReceiveFrame(first, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{3}, first.Directory), 12))
	}
	<-n.Ready()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	<-ran
	for len(post.sent) > 0 {
		<-post.sent
	}
}

// A member of another ensemble makes a connection.
func TestAServerWithDataEndsWhenTheOthersAreAnEnsemble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, post := waltest.New(1), newMailman()
		if err := ensemble.Seed(ensemble.Config{Dir: dir, FS: disk}, 1, newMachine().Capture()); err != nil {
			t.Fatal(err)
		}
		n, err := ensemble.Open(ensemble.Config{
			Dir: dir, FS: disk, Machine: newMachine(), Transport: post,
			Number: 3, Members: []ensemble.Member{{Number: 1}, {Number: 2}, {Number: 3}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		go func() {
			r := <-post.runs
			if _, err := r.Admit(ensemble.Credentials{Number: 2, Cluster: 7, Directory: 5, Member: 9, Joined: 1}); err != nil {
				t.Error(err)
			}
		}()
		if err := n.Run(t.Context()); !errors.Is(err, ensemble.ErrSecond) || !strings.Contains(err.Error(), "member 2 belongs to another ensemble") {
			t.Errorf("it ends with %v", err)
		}
	})
}

// Its list names one that has founded an ensemble after all, of which it has not heard.
func TestAnOnlyVoterEndsWhenItMeetsAnotherEnsemble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, post := seeded(t, 0)
		n, err := ensemble.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		ran := make(chan error, 1)
		go func() { ran <- n.Run(t.Context()) }()
		r := <-post.runs
		<-n.Ready()
		for _, c := range []ensemble.Credentials{{Number: 9, Cluster: 7}, {Number: 1}, {Number: 1, Cluster: 7, Directory: 11}} {
			if len(ran) > 0 {
				t.Fatalf("it ends for one that is not configured, or has no ensemble: %v", <-ran)
			}
			_, _ = r.Admit(c)
			synctest.Wait()
		}
		if err := <-ran; !errors.Is(err, ensemble.ErrSecond) {
			t.Errorf("it ends with %v", err)
		}
	})
}

// The others founded an ensemble of their own, without the data, when a member took
// longer than 10 s to load.
func TestAMemberThatLoadsSaysThatThereIsAnEnsemble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, post := seeded(t, time.Minute)
		began, opened := time.Now(), make(chan *ensemble.Node)
		go func() {
			n, err := ensemble.Open(cfg)
			if err != nil {
				t.Error(err)
			}
			opened <- n
		}()
		r := <-post.runs
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it says nothing for %v", took)
		}
		first := ensemble.Credentials{Number: 1, Directory: 11}
		if _, err := r.Admit(first); err != nil {
			t.Errorf("who looks for the others is refused: %v", err)
		}
		hello := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{3}, 11), 12)
		r.ReceiveFrame(first, hello)
		if got := <-post.sent; got[0] != 5 || binary.BigEndian.Uint64(got[1:]) != 11 {
			t.Errorf("it answers %x, want that there is an ensemble", got)
		}
		n := <-opened
		if took := time.Since(began); took < time.Minute {
			t.Errorf("loaded in %v, which proves nothing", took)
		}
		if r.Credentials().Cluster == 0 {
			t.Error("it belongs to no ensemble when it has loaded")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- n.Run(ctx) }()
		<-n.Ready()
		if len(post.runs) > 0 {
			t.Error("the transport is run twice")
		}
		cancel()
		<-ran
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestATransportThatOpenHasStartedEndsWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, takes := range []time.Duration{0, time.Minute} {
			cfg, post := seeded(t, takes)
			n, err := ensemble.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if ran := len(post.runs) > 0; ran != (takes > 0) {
				t.Errorf("after %v the transport runs: %v", takes, ran)
			}
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		} // the bubble ends when all goroutines have
	})
}
