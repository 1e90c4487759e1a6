package submit

import (
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mwqueue/mw/coordinator"
)

// One task whose ACL kept it from the client made every listing fail, every
// search for a key, and every settling of a lost create.
func TestATaskThatMayNotBeReadIsInNobodysWay(t *testing.T) {
	c, s := clientAndSession(t)
	conn, _, err := zk.Connect(c.cfg.Coordinator.Servers, 5*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	closed := func() {
		t.Helper()
		if _, err := conn.Create(coordinator.TasksPath+"/task-", []byte("secret"), zk.FlagSequence, zk.WorldACL(zk.PermAll&^zk.PermRead)); err != nil {
			t.Fatal(err)
		}
	}
	closed()
	cr, made := lostCreate(t, c, s)
	if ids, err := cr.settle(t.Context(), s); err != nil || len(ids) != 1 || ids[0] != made[0] {
		t.Errorf("settled as %q, %v, want %q", ids, err, made)
	}
	cr, made = lostCreate(t, c, s)
	closed()
	if ids, err := cr.settle(t.Context(), s); err != nil || len(ids) != 1 || ids[0] != made[0] {
		t.Errorf("settled beside one created meanwhile as %q, %v, want %q", ids, err, made)
	}
	if _, err := c.Submit(t.Context(), coordinator.Spec{Shell: "true", Key: "k"}); err != nil {
		t.Errorf("submit with a key: %v", err)
	}
	l, err := c.Tasks(t.Context(), Query{})
	if err != nil || len(l.Tasks) != 5 || l.Tasks[4].State != StateUnreadable {
		t.Errorf("listed %+v, %v, want five, the oldest unreadable", l.Tasks, err)
	}
}
