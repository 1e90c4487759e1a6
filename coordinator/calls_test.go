package coordinator_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mwqueue/mw/coordinator"
)

func TestCalls(t *testing.T) {
	s := newService(t).connect(t)
	ctx := within(t, 10*time.Second)

	path := create(t, s, "/tasks/x", coordinator.Persistent)
	data, stat, err := s.Get(ctx, path)
	if string(data) != "data" || err != nil || stat.DataLength != 4 || time.Since(stat.Ctime).Abs() > time.Minute {
		t.Errorf("Get = %q, %+v, %v", data, stat, err)
	}
	if stat, err = s.Set(ctx, path, nil, 0); err != nil || stat.Version != 1 || stat.DataLength != 0 {
		t.Errorf("Set = %+v, %v", stat, err)
	}
	if got := create(t, s, "/tasks/task-", coordinator.Sequential); !strings.HasPrefix(got, "/tasks/task-00000000") {
		t.Errorf("sequential create = %q", got)
	}
	ephemeral := create(t, s, "/tasks/e", coordinator.Ephemeral)
	if stat, ok, err := s.Exists(ctx, ephemeral); !ok || err != nil || stat.EphemeralOwner != s.ID() {
		t.Errorf("Exists = %+v, %v, %v, want owner %x", stat, ok, err, s.ID())
	}
	names, stat, err := s.Children(ctx, "/tasks")
	if slices.Sort(names); err != nil || len(names) != 3 || names[0] != "e" || stat.NumChildren != 3 {
		t.Errorf("Children = %q, %+v, %v", names, stat, err)
	}
	must(t, s.Delete(ctx, path, 1))
	if _, ok, err := s.Exists(ctx, path); ok || err != nil {
		t.Errorf("Exists after Delete = %v, %v", ok, err)
	}
	if names, _, err := s.Children(ctx, "/"); err != nil || !slices.Contains(names, "tasks") {
		t.Errorf("Children of the root = %q, %v", names, err)
	}
}

func TestDefiniteAnswers(t *testing.T) {
	s := newService(t).connect(t)
	ctx := within(t, 10*time.Second)
	create(t, s, "/tasks/x", coordinator.Persistent)
	create(t, s, "/tasks/x/y", coordinator.Persistent)
	create(t, s, "/tasks/e", coordinator.Ephemeral)

	tests := []struct {
		name string
		err  error
		want error
	}{
		{"get", second(s.Get(ctx, "/no")), coordinator.ErrNoNode},
		{"children", second(s.Children(ctx, "/no")), coordinator.ErrNoNode},
		{"exists twice", first(s.Create(ctx, "/tasks/x", nil, 0)), coordinator.ErrNodeExists},
		{"no parent", first(s.Create(ctx, "/no/x", nil, 0)), coordinator.ErrNoNode},
		{"parent is ephemeral", first(s.Create(ctx, "/tasks/e/x", nil, 0)), coordinator.ErrNoChildrenForEphemerals},
		{"version", first(s.Set(ctx, "/tasks/x", nil, 7)), coordinator.ErrBadVersion},
		{"version of a delete", s.Delete(ctx, "/tasks/x/y", 7), coordinator.ErrBadVersion},
		{"children in the way", s.Delete(ctx, "/tasks/x", 0), coordinator.ErrNotEmpty},
		{"path", first(s.Create(ctx, "tasks", nil, 0)), coordinator.ErrInvalidPath},
		{"path of a read", second(s.Get(ctx, "/a/../b")), coordinator.ErrInvalidPath},
		{"size", first(s.Create(ctx, "/big", make([]byte, coordinator.MaxDataBytes+1), 0)), coordinator.ErrTooLarge},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	if got, want := tests[0].err.Error(), "get /no: coordinator: no such znode"; got != want {
		t.Errorf("error = %q, want %q", got, want)
	}
}

func first[T any](_ T, err error) error          { return err }
func second[T, U any](_ T, _ U, err error) error { return err }

func TestMultiIsAllOrNothing(t *testing.T) {
	s := newService(t).connect(t)
	ctx := within(t, 10*time.Second)
	results, err := s.Multi(ctx,
		coordinator.CreateOp("/tasks/task-", []byte("a"), coordinator.Sequential),
		coordinator.CreateOp("/tasks/task-", []byte("b"), coordinator.Sequential),
		coordinator.SetOp("/assign", []byte("c"), 0),
		coordinator.CheckOp("/workers", coordinator.AnyVersion),
	)
	must(t, err)
	if len(results) != 4 || results[0].Path == results[1].Path || results[2].Stat.Version != 1 {
		t.Errorf("results = %+v", results)
	}
	stat, ok, err := s.Exists(ctx, results[0].Path)
	if !ok || err != nil || stat.Czxid != results[2].Stat.Mzxid {
		t.Errorf("a multi is not one write: %+v, %+v, %v", stat, results[2].Stat, err)
	}

	_, err = s.Multi(ctx,
		coordinator.CreateOp("/tasks/x", nil, coordinator.Persistent),
		coordinator.CheckOp("/assign", 0),
		coordinator.DeleteOp("/no", 0),
	)
	refused, ok := errors.AsType[*coordinator.MultiError](err)
	if !ok || refused.Index != 1 || refused.Op.Path() != "/assign" || !errors.Is(err, coordinator.ErrBadVersion) {
		t.Errorf("err = %v, want a MultiError at 1", err)
	}
	if exists(t, s, "/tasks/x") {
		t.Error("a part of the refused multi was done")
	}
	if results, err := s.Multi(ctx); len(results) != 0 || err != nil {
		t.Errorf("empty multi = %v, %v", results, err)
	}
}

// A multi whose trailer fell on the end of the library's buffer took the
// process down (E14). Those as large as is allowed stay far from it.
func TestLargestMulti(t *testing.T) {
	s := newService(t).connect(t)
	ctx := within(t, 10*time.Second)
	op := coordinator.CreateOp("/tasks/task-", nil, coordinator.Sequential)
	many := slices.Repeat([]coordinator.Op{op}, coordinator.MaxMultiOps)
	if results, err := s.Multi(ctx, many...); err != nil || len(results) != coordinator.MaxMultiOps {
		t.Errorf("%d operations: %d results, %v", len(many), len(results), err)
	}
	big := coordinator.CreateOp("/tasks/task-", make([]byte, coordinator.MaxMultiBytes-op.Size()), coordinator.Sequential)
	if _, err := s.Multi(ctx, big); err != nil {
		t.Errorf("%d bytes: %v", big.Size(), err)
	}
	if _, err := s.Multi(ctx, big, op); !errors.Is(err, coordinator.ErrTooLarge) {
		t.Errorf("one more: %v, want ErrTooLarge", err)
	}
}

// A reply may be longer than what a server takes as a request (E12).
func TestLongListing(t *testing.T) {
	if testing.Short() {
		t.Skip("creates 6000 znodes")
	}
	s := newService(t).connect(t)
	ctx := within(t, 20*time.Second)
	name := strings.Repeat("n", 220)
	for i := range 6000 / 300 {
		var ops []coordinator.Op
		for j := range 300 {
			ops = append(ops, coordinator.CreateOp(fmt.Sprintf("/tasks/%s%06d", name, 300*i+j), nil, coordinator.Persistent))
		}
		_, err := s.Multi(ctx, ops...)
		must(t, err)
	}
	names, _, err := s.Children(ctx, "/tasks")
	if len(names) != 6000 || err != nil {
		t.Errorf("listed %d, %v", len(names), err)
	}
}

func TestEnsureTreeTakesTurns(t *testing.T) {
	v := newService(t)
	cfg := v.config()
	cfg.Chroot += "/deep/er"
	errs := make(chan error)
	for range 5 {
		go func() {
			s, err := coordinator.Connect(t.Context(), cfg)
			if err == nil {
				err = s.EnsureTree(t.Context())
				_ = s.Close()
			}
			errs <- err
		}()
	}
	for range 5 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s := connect(t, cfg)
	if names, _, err := s.Children(t.Context(), "/"); err != nil || len(names) != 3 {
		t.Errorf("roots = %q, %v", names, err)
	}
	if exists(t, v.connect(t), "/deep/er/tasks") == false {
		t.Error("the tree is not in the chroot")
	}
}
