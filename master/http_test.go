package master_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/mwqueue/mw/master"
)

func TestHTTP(t *testing.T) {
	q := newQueue(t)
	m := q.master()
	w := q.worker("w1", 2)
	q.submit(3, "true")
	w.has(2)
	v := q.view(m, "two assigned tasks", func(v master.View) bool { return v.Tasks.Assigned == 2 })
	if v.Role != "leading" || v.Term == 0 || v.Tasks.Waiting != 1 || len(v.Workers) != 1 || v.Workers[0].Load != 2 || len(v.Moves) != 2 {
		t.Errorf("board = %+v", v)
	}
	resp, err := http.Get("http://" + m.Addr().String() + "/healthz")
	q.must(err)
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "leading\n" {
		t.Errorf("healthz = %d %q", resp.StatusCode, body)
	}
}

func TestHTTPIsNotForOtherNames(t *testing.T) {
	q := newQueue(t)
	m := q.master()
	machine, err := os.Hostname()
	q.must(err)
	for host, want := range map[string]int{
		"localhost.:80":   http.StatusOK,
		machine:           http.StatusOK,
		"rebound.example": http.StatusMisdirectedRequest,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+m.Addr().String()+"/api/board", nil)
		q.must(err)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		q.must(err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("host %s: status = %d, want %d", host, resp.StatusCode, want)
		}
	}
}

// board asks a master over HTTP.
func (q *queue) board(ctx context.Context, m *candidate) (v master.View) {
	q.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Addr().String()+"/api/board", nil)
	q.must(err)
	resp, err := http.DefaultClient.Do(req)
	q.must(err)
	defer resp.Body.Close()
	q.must(json.NewDecoder(resp.Body).Decode(&v))
	return v
}

func (q *queue) role(m *candidate, want string) {
	q.t.Helper()
	q.view(m, want, func(v master.View) bool { return v.Role == want })
}

// view waits until a master's view is as wanted.
func (q *queue) view(m *candidate, what string, is func(master.View) bool) (v master.View) {
	q.t.Helper()
	q.await(what, func(ctx context.Context) bool {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for v = q.board(ctx, m); !is(v); v = q.board(ctx, m) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return false
			}
		}
		return true
	})
	return v
}
