package master

import (
	"slices"
	"testing"
	"time"
)

func TestPlace(t *testing.T) {
	tests := []struct {
		name  string
		rooms []room
		shun  []string
		want  int
	}{
		{name: "nobody", want: -1},
		{name: "nobody has room", rooms: []room{{worker: "w1"}, {worker: "w2"}}, want: -1},
		{name: "most free slots", rooms: []room{{worker: "w1", free: 1}, {worker: "w2", free: 2}}, want: 1},
		{name: "tie goes to the first name", rooms: []room{{worker: "w1", free: 2}, {worker: "w2", free: 2}}, want: 0},
		{name: "a free slot beats any room ahead", rooms: []room{{worker: "w1", ahead: 900}, {worker: "w2", free: 1}}, want: 1},
		{name: "free slots count, room ahead does not", rooms: []room{{worker: "w1", free: 1, ahead: 50}, {worker: "w2", free: 2}}, want: 1},
		{name: "most room ahead when no slot is free", rooms: []room{{worker: "w1", ahead: 3}, {worker: "w2", ahead: 4}}, want: 1},
		{name: "away from where it died", rooms: []room{{worker: "w1", free: 8}, {worker: "w2", ahead: 1}}, shun: []string{"w1"}, want: 1},
		{name: "back where it died when nobody else has room", rooms: []room{{worker: "w1", free: 1}, {worker: "w2"}}, shun: []string{"w1"}, want: 0},
		{name: "died everywhere", rooms: []room{{worker: "w1", free: 1}, {worker: "w2", free: 2}}, shun: []string{"w1", "w2"}, want: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var shun func(string) bool
			if tt.shun != nil {
				shun = func(w string) bool { return slices.Contains(tt.shun, w) }
			}
			if got := place(tt.rooms, shun); got != tt.want {
				t.Errorf("place = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestRoomTakesFreeSlotsFirst(t *testing.T) {
	r := room{free: 1, ahead: 1}
	r.take()
	if want := (room{ahead: 1, load: 1}); r != want {
		t.Errorf("after one = %+v, want %+v", r, want)
	}
	r.take()
	if want := (room{load: 2}); r != want {
		t.Errorf("after two = %+v, want %+v", r, want)
	}
}

func TestRateFollowsCompletionsAndForgets(t *testing.T) {
	var r rate
	now := time.Now()
	if got := r.ahead(now); got != 0 {
		t.Errorf("ahead before any completion = %d, want 0", got)
	}
	for range 3000 { // 1,000 a second for 3 s
		now = now.Add(time.Millisecond)
		r.add(now)
	}
	if got := r.now(now); got < 900 || got > 1100 {
		t.Errorf("rate at 1,000/s = %.0f", got)
	}
	if got := r.ahead(now); got < 90 || got > 110 {
		t.Errorf("ahead at 1,000/s = %d, want about 100", got)
	}
	if got := r.ahead(now.Add(3 * time.Second)); got != 0 {
		t.Errorf("ahead after 3 s without = %d, want 0", got)
	}
	for range 100_000 {
		r.add(now)
	}
	if got := r.ahead(now); got != aheadMax {
		t.Errorf("ahead at any rate = %d, want at most %d", got, aheadMax)
	}
}
