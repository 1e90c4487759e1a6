package zkbench

import (
	"strings"
	"testing"
	"time"
)

func TestVerdictNamesWhatGrows(t *testing.T) {
	tests := []struct {
		name   string
		change func(i int, s *Sample)
		want   string // what is not steady
	}{
		{name: "nothing", change: func(int, *Sample) {}},
		{name: "a sawtooth of files", change: func(i int, s *Sample) { s.DataFiles = 8 + i%5; s.DataBytes = int64(100+20*(i%5)) << 20 }},
		{name: "a start that grows", change: func(i int, s *Sample) { s.Resident = int64(min(20+2*i, 50)) << 20 }},
		{name: "memory", change: func(i int, s *Sample) { s.Resident = int64(100+i) << 20 }, want: "resident memory"},
		{name: "open files", change: func(i int, s *Sample) { s.OpenFiles = 50 + i }, want: "open files"},
		{name: "data", change: func(i int, s *Sample) { s.DataBytes = int64(100+3*i) << 20 }, want: "size of the data"},
		{name: "files", change: func(i int, s *Sample) { s.DataFiles = 10 + i/4 }, want: "files of the data"},
		{name: "latency", change: func(i int, s *Sample) { s.P99 = time.Duration(2+i) * time.Millisecond }, want: "p99"},
		{name: "one slow minute", change: func(i int, s *Sample) {
			if i == 50 {
				s.P99 = time.Second
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var samples []Sample
			for i := range 60 {
				s := Sample{At: time.Duration(i+1) * time.Minute, P99: 3 * time.Millisecond,
					Resident: 60 << 20, OpenFiles: 50, DataBytes: 100 << 20, DataFiles: 10}
				tt.change(i, &s)
				samples = append(samples, s)
			}
			v, ok := Judge(samples)
			if !ok || v.Steady != (tt.want == "") {
				t.Fatalf("verdict %+v, %v", v, ok)
			}
			for _, reason := range v.Reasons {
				if bad := strings.Contains(reason, "not steady"); bad != (tt.want != "" && strings.HasPrefix(reason, tt.want)) {
					t.Errorf("%q", reason)
				}
			}
		})
	}
}

func TestFewSamplesGiveNoVerdict(t *testing.T) {
	if _, ok := Judge(make([]Sample, 9)); ok {
		t.Error("nine samples are enough")
	}
	if _, ok := Judge(nil); ok {
		t.Error("none is enough")
	}
}
