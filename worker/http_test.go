package worker_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/mwqueue/mw/worker"
)

func get(t testing.TB, url, host string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("X-Content-Type-Options"); resp.StatusCode == 200 && got != "nosniff" {
		t.Errorf("X-Content-Type-Options = %q", got)
	}
	return resp.StatusCode, string(body)
}

func TestOutputOverHTTP(t *testing.T) {
	cfg, p := serverAndPerson(t)
	r := startWorker(t, worker.Config{Coordinator: cfg, Slots: 1})
	inst := p.instance("w1")
	dir := t.TempDir()
	id := p.submit("echo one; touch " + dir + "/up; while [ ! -e " + dir + "/go ]; do sleep 0.05; done; echo two")
	p.assign(inst, id, "")
	awaitFile(t, dir+"/up")
	url := fmt.Sprintf("http://%s/output/%s/1/", r.Addr(), id)

	followed := make(chan string, 1)
	go func() {
		_, body := get(t, url+"stdout?follow=1", "")
		followed <- body
	}()
	if code, body := get(t, url+"stderr", ""); code != 200 || body != "" {
		t.Errorf("a stream without output of a running attempt: %d %q", code, body)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-followed; got != "one\ntwo\n" {
		t.Errorf("followed = %q", got)
	}
	p.attempt(id, 1)

	tests := []struct {
		name, url, host string
		code            int
		body            string
	}{
		{"all", url + "stdout", "", 200, "one\ntwo\n"},
		{"ended and silent", url + "stderr", "", 404, "no such output here\n"},
		{"another attempt", strings.Replace(url, "/1/", "/2/", 1) + "stdout", "", 404, "no such output here\n"},
		{"bad stream", url + "lock", "", 400, "want /output/<task>/<attempt>/<stdout|stderr>\n"},
		{"way out", fmt.Sprintf("http://%s/output/..%%2f..%%2flock/1/stdout", r.Addr()), "", 400, "want /output/<task>/<attempt>/<stdout|stderr>\n"},
		{"health", fmt.Sprintf("http://%s/healthz", r.Addr()), "localhost:1", 200, `{"name":"w1","running":0,"slots":1,"version":""}` + "\n"},
		{"another's name", url + "stdout", "evil.example", 421,
			`this server is not called "evil.example": ask by its IP address, as localhost or as ` + r.Addr().String() + "\n"},
		{"a name that ends in a dot", url + "stdout", "localhost.", 200, "one\ntwo\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code, body := get(t, tt.url, tt.host); code != tt.code || body != tt.body {
				t.Errorf("got %d %q, want %d %q", code, body, tt.code, tt.body)
			}
		})
	}
}
