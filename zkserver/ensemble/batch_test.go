package ensemble

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestBatchRoundTrip(t *testing.T) {
	for _, commands := range [][]Command{
		{},
		{{Origin: 1<<64 - 1, Seq: 1<<64 - 1, Data: []byte("x")}},
		{{Origin: 1, Seq: 0, Data: []byte{}}, {Origin: 2, Seq: 300, Data: bytes.Repeat([]byte("long"), 1000)}},
	} {
		b := encodeBatch(7, -5, commands)
		got, term, err := decodeBatch(b)
		if err != nil || term != 7 {
			t.Fatalf("term = %d, %v", term, err)
		}
		if diff := cmp.Diff(Batch{Time: -5, Commands: commands}, got, cmpopts.IgnoreUnexported(Batch{})); diff != "" {
			t.Error(diff)
		}
		for n := range b {
			if _, _, err := decodeBatch(b[:n]); err == nil {
				t.Errorf("%d of %d bytes were decoded", n, len(b))
			}
		}
		if _, _, err := decodeBatch(append(b, 0)); err == nil {
			t.Error("trailing bytes were taken")
		}
	}
}

func TestLaterBatchFormatIsRefused(t *testing.T) {
	b := encodeBatch(7, 1, nil)
	b[0] = 2
	if _, _, err := decodeBatch(b); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("err = %v", err)
	}
}

func TestBatchIsCutAtItsLimits(t *testing.T) {
	of := func(n, size int) []Command {
		commands := make([]Command, n)
		for i := range commands {
			commands[i].Data = make([]byte, size)
		}
		return commands
	}
	tests := []struct {
		name     string
		commands []Command
		want     int
	}{
		{"none", nil, 0},
		{"few", of(10, 100), 10},
		{"too many", of(5000, 10), maxBatchCommands},
		{"too many bytes", of(1000, 1<<10), 498},
		{"one too large", of(3, 1<<20), 1},
		{"a large one behind", append(of(2, 10), of(1, 1<<20)...), 2},
	}
	for _, tt := range tests {
		if got := cutBatch(tt.commands, maxBatchBytes); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add(encodeBatch(7, 1, []Command{{Origin: 1, Seq: 2, Data: []byte("data")}, {}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, term, err := decodeBatch(b)
		if err != nil {
			return
		}
		// A number may have been written longer than need be, so that the
		// bytes may differ; what they mean may not.
		again, term2, err := decodeBatch(encodeBatch(term, batch.Time, batch.Commands))
		if err != nil || term2 != term {
			t.Fatal(term2, err)
		}
		if diff := cmp.Diff(batch, again, cmpopts.IgnoreUnexported(Batch{})); diff != "" {
			t.Error(diff)
		}
	})
}
