package session

import (
	"bytes"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestALifeInTheTable(t *testing.T) {
	table := NewTable([]byte("secret"))
	if !table.Create(7, 5*time.Second) || table.Create(7, time.Minute) {
		t.Error("an id can be created twice, or not at all")
	}
	if s, ok := table.Get(7); !ok || s != (Session{ID: 7, Timeout: 5 * time.Second}) {
		t.Errorf("get = %+v, %v", s, ok)
	}
	if s, ok := table.Attach(7, time.Second); !ok || s != (Session{ID: 7, Timeout: time.Second, Attach: 1}) {
		t.Errorf("attach = %+v, %v", s, ok)
	}
	if s, _ := table.Attach(7, time.Second); s.Attach != 2 {
		t.Errorf("attach again = %+v", s)
	}
	if _, ok := table.Attach(8, time.Second); ok {
		t.Error("attached to a session that does not exist")
	}
	if !table.Remove(7) || table.Remove(7) || table.Len() != 0 {
		t.Error("an id can be removed twice, or not at all")
	}
	if _, ok := table.Get(7); ok {
		t.Error("a removed session is there")
	}
}

// TestPasswordsStay: clients hold theirs across any update of the servers.
func TestPasswordsStay(t *testing.T) {
	const want = "596260b03446b869230084ab26995da4"
	table := NewTable([]byte("secret"))
	if got := hex.EncodeToString(table.Password(0x0100000000000007)); got != want {
		t.Errorf("password = %s, want %s", got, want)
	}
	if bytes.Equal(table.Password(1), table.Password(2)) {
		t.Error("two sessions have one password")
	}
	if bytes.Equal(table.Password(1), NewTable([]byte("another")).Password(1)) {
		t.Error("two secrets make one password")
	}
}

func smallTable() *Table {
	table := NewTable([]byte("secret"))
	for _, id := range []ID{3, -1, 1 << 56} {
		table.Create(id, time.Duration(id&7)*time.Second)
	}
	table.Attach(3, time.Minute)
	return table
}

func TestSnapshotOfTable(t *testing.T) {
	table := smallTable()
	bin := table.Append([]byte("before"))
	r := strings.NewReader(string(bin[len("before"):]) + "after")
	back, err := ReadTable(r)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "after" {
		t.Errorf("left %q", rest)
	}
	if got, want := slices.Collect(back.All()), slices.Collect(table.All()); !slices.Equal(got, want) {
		t.Errorf("sessions = %+v, want %+v", got, want)
	}
	if !bytes.Equal(back.Password(3), table.Password(3)) {
		t.Error("the secret was lost")
	}
	if !bytes.Equal(back.Append(nil), table.Append(nil)) {
		t.Error("the snapshot of the table read is another")
	}
}

func TestReadTableRefusesEveryDamage(t *testing.T) {
	bin := smallTable().Append(nil)
	for i := range bin {
		if _, err := ReadTable(bytes.NewReader(bin[:i])); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
		bad := bytes.Clone(bin)
		bad[i] ^= 0x81
		if _, err := ReadTable(bytes.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "offset") {
			t.Errorf("byte %d changed: error = %v", i, err)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add(smallTable().Append(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		table, err := ReadTable(bytes.NewReader(in))
		if err != nil {
			return
		}
		again := table.Append(nil)
		if back, err := ReadTable(bytes.NewReader(again)); err != nil || !bytes.Equal(back.Append(nil), again) {
			t.Errorf("read again: %v", err)
		}
	})
}

func TestCaptureIsOfOneMoment(t *testing.T) {
	table := smallTable()
	want := table.Append(nil)
	c := table.Capture()
	table.Remove(3)
	table.Create(9, time.Second)
	if !bytes.Equal(c.Append(nil), want) {
		t.Error("a capture shows what came after it")
	}
}
