package storm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A kind of fault.
type kind string

const (
	killed     kind = "kill -9"
	killedAll  kind = "kill -9 of all"
	terminated kind = "planned stop"
	paused     kind = "SIGSTOP"
	stuttering kind = "stops and goes" // as on a machine, or with a disk, that is much too slow
	isolated   kind = "cut off"
	mute       kind = "not heard by the others"
	deaf       kind = "does not hear the others"
	parted     kind = "cut from one other"
	oneWay     kind = "not heard by one other"
	unreached  kind = "cut from clients"
	reset      kind = "connections reset"
	late       kind = "slow network"
	fullDisk   kind = "full disk"
	wiped      kind = "directory lost"
)

// kinds are the faults with how often they come.
var kinds = []struct {
	kind   kind
	weight int
}{
	{killed, 6}, {killedAll, 1}, {terminated, 2}, {paused, 4}, {stuttering, 1}, {isolated, 3}, {mute, 2}, {deaf, 2},
	{parted, 2}, {oneWay, 2}, {unreached, 2}, {reset, 2}, {late, 2}, {fullDisk, 2}, {wiped, 1},
}

// A storm is a sequence of faults.
type storm struct {
	*ensemble
	rng  *rand.Rand
	log  func(format string, args ...any)
	hits map[kind]int
	load *load
}

// rage does a number of faults, now and then two at once, and undoes each of them.
func (s *storm) rage(faults int) {
	for done := 0; done < faults; {
		together := 1
		if done+1 < faults && s.rng.IntN(4) == 0 && kind(*only) != wiped {
			together = 2
		}
		var undo []func()
		var what []string
		for _, at := range s.rng.Perm(len(s.members))[:together] {
			m := s.members[at]
			if leader := s.leader(); together == 1 && leader != nil && s.rng.IntN(2) == 0 {
				m = leader // of more consequence than the others
			}
			k := s.pick(m, together == 1)
			what = append(what, fmt.Sprintf("%s: %s", m.name, k))
			undo = append(undo, s.do(k, m))
			s.hits[k]++
			done++
		}
		lasts := 100*time.Millisecond + s.upTo(2*time.Second)
		if s.rng.IntN(8) == 0 {
			lasts += sessionTimeout
		}
		s.log("fault %d: %s, for %v", done, strings.Join(what, ", "), lasts.Round(time.Millisecond))
		time.Sleep(lasts)
		for _, f := range undo {
			f()
		}
		time.Sleep(s.upTo(1500 * time.Millisecond))
	}
}

func (s *storm) upTo(d time.Duration) time.Duration { return time.Duration(s.rng.Int64N(int64(d))) }

// pick chooses a fault that the member can have, alone or with another one's.
func (s *storm) pick(m *member, alone bool) kind {
	if *only != "" {
		return kind(*only)
	}
	for {
		all := 0
		for _, k := range kinds {
			all += k.weight
		}
		n := s.rng.IntN(all)
		for _, k := range kinds {
			if n -= k.weight; n < 0 {
				if s.product.survives(k.kind) && (k.kind != fullDisk || m.disk != nil) && (k.kind != wiped || alone) {
					return k.kind
				}
				break
			}
		}
	}
}

// do does a fault, and returns what undoes it.
func (s *storm) do(k kind, m *member) (undo func()) {
	other := s.members[(m.number-1+1+s.rng.IntN(len(s.members)-1))%len(s.members)]
	switch k {
	case killed:
		m.kill()
		return m.start
	case killedAll:
		for _, one := range s.members {
			one.kill()
		}
		return s.start
	case terminated:
		m.terminate()
		return m.start
	case paused:
		m.stop()
		return m.cont
	case stuttering:
		for range 20 {
			m.stop()
			time.Sleep(s.upTo(60 * time.Millisecond))
			m.cont()
			time.Sleep(s.upTo(20 * time.Millisecond))
		}
		return func() {}
	case reset:
		for way, links := range s.links {
			if way[0] == m.number || way[1] == m.number {
				for _, l := range links {
					l.reset()
				}
			}
		}
		m.door.reset()
		return func() {}
	case wiped:
		m.kill()
		m.wipe()
		return func() {
			m.start()
			s.votes(m)
		}
	case fullDisk:
		m.disk.fill()
		return m.disk.empty
	case late:
		delay := s.upTo(100 * time.Millisecond)
		return s.wired(func(from, to int) bool { return from == m.number || to == m.number }, false, delay)
	}
	return s.wired(func(from, to int) bool {
		switch k {
		case isolated:
			return from != 0 && to != 0 && (from == m.number || to == m.number)
		case mute:
			return to != 0 && from == m.number
		case deaf:
			return from != 0 && to == m.number
		case parted:
			return from == m.number && to == other.number || from == other.number && to == m.number
		case oneWay:
			return from == m.number && to == other.number
		case unreached:
			return from == 0 && to == m.number || from == m.number && to == 0
		}
		panic("no such fault: " + k)
	}, true, 0)
}

// wired does something to some of the wires.
func (s *storm) wired(which func(from, to int) bool, cut bool, delay time.Duration) (undo func()) {
	var hurt []*wire
	for way, w := range s.wires {
		if way[0] != way[1] && which(way[0], way[1]) {
			w.set(cut, delay)
			hurt = append(hurt, w)
		}
	}
	return func() {
		for _, w := range hurt {
			w.set(false, 0)
		}
	}
}

// votes waits until a member that has lost its directory counts again: with another
// one dead there is service. A second one must not lose its own before.
func (s *storm) votes(m *member) {
	other := s.members[m.number%len(s.members)]
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		if !within(time.Minute, func() bool { return m.mode() != "" }) {
			break
		}
		other.kill()
		before := s.load.acked.Load()
		counts := within(5*time.Second, func() bool { return s.load.acked.Load() > before+10 })
		other.start()
		if counts {
			return
		}
	}
	s.t.Fatalf("%s lost its directory and has not come back as a voter, mode %q", m.name, m.mode())
}
