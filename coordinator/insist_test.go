package coordinator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mwqueue/mw/coordinator"
	"github.com/mwqueue/mw/zkserver/wal/waltest"
	"github.com/mwqueue/mw/zkserver/zktest"
)

// onFullDisk gives a session with a server whose disk has just become full.
func onFullDisk(t *testing.T) (*coordinator.Session, *waltest.Disk) {
	t.Helper()
	disk := waltest.New(1)
	server := zktest.NewServer(t, zktest.OnDisk(disk), zktest.InMemory)
	s := connect(t, coordinator.Config{SessionTimeout: 10 * time.Second, Dial: server.Dial})
	disk.SetCapacity(1)
	big := make([]byte, coordinator.MaxDataBytes)
	for {
		_, err := s.Create(t.Context(), "/tasks/task-", big, coordinator.Sequential)
		if errors.Is(err, coordinator.ErrTryLater) {
			return s, disk
		}
		must(t, err)
	}
}

// A server whose disk is full takes no writes for now, which ended masters and
// workers for good.
func TestFullDiskIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := onFullDisk(t)
		if _, err := s.Create(t.Context(), "/workers/w", nil, coordinator.Ephemeral); errors.Is(err, coordinator.ErrRefused) || !errors.Is(err, coordinator.ErrTryLater) {
			t.Fatalf("a write = %v, want ErrTryLater", err)
		}
		if _, _, err := s.Get(t.Context(), "/tasks"); err != nil {
			t.Errorf("a read = %v", err)
		}
		elected := campaign(s, "m:1")
		locked := make(chan error, 1)
		go func() {
			_, err := s.Lock(t.Context(), "/locks/a")
			locked <- err
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := s.Lock(ctx, "/locks/b"); !errors.Is(err, coordinator.ErrTryLater) || time.Since(began) < 20*time.Second {
			t.Errorf("after %v: Lock = %v, want ErrTryLater at the end of its context", time.Since(began), err)
		}
		select {
		case term := <-elected:
			t.Fatalf("elected: %v", term)
		case err := <-locked:
			t.Fatalf("Lock = %v", err)
		default:
		}
		disk.SetCapacity(0)
		if term := <-elected; term == nil {
			t.Error("the campaign was given up")
		}
		must(t, <-locked)
	})
}

func TestInsistEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := inMemory(t)
		s := connect(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tries := 0
		err := s.Insist(ctx, func() error { tries++; return coordinator.ErrTryLater })
		if !errors.Is(err, coordinator.ErrTryLater) || tries < 10 || tries > 60 {
			t.Errorf("Insist = %v after %d tries in a minute", err, tries)
		}
		other := errors.New("other")
		if err := s.Insist(ctx, func() error { return other }); !errors.Is(err, other) {
			t.Errorf("Insist = %v", err)
		}
	})
}
