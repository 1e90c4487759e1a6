package ensemble

import (
	"encoding/binary"
	"time"
)

// A simClient proposes commands at one member and has a few under way.
type simClient struct {
	id       uint64
	proposed uint64
	answered uint64
}

// A simCommand is one of a client's: the numbers of both.
type simCommand struct{ client, number uint64 }

func (c *checker) newClient(m *simMember) {
	c.clients++
	cl := &simClient{id: c.clients}
	m.clients = append(m.clients, cl)
	c.propose(m, cl)
}

// propose has a client propose, as long as it lives.
func (c *checker) propose(m *simMember, cl *simClient) {
	pause := 50 * time.Millisecond
	if c.sim.profile.faults == 0 { // a walk, which is short
		pause = 20 * time.Millisecond
	}
	if !c.sim.calm {
		for range 1 + c.sim.rng.IntN(4) {
			if cl.proposed < cl.answered+20 {
				c.proposeOne(m, cl)
			}
		}
	}
	m.in(c.sim.upTo(pause), func() {
		for _, alive := range m.clients {
			if alive == cl {
				c.propose(m, cl)
			}
		}
	})
}

func (c *checker) proposeOne(m *simMember, cl *simClient) {
	more := make([]byte, c.sim.rng.IntN(200))
	if v := m.node.Version(); v > firstVersion && len(more) > 1 {
		more[1] = v // is known in that version
	}
	c.proposeWith(m, cl, more)
}

// proposeWith has a client propose a command with more than its number.
func (c *checker) proposeWith(m *simMember, cl *simClient, more []byte) {
	data := binary.BigEndian.AppendUint64(make([]byte, 0, 16+len(more)), cl.id)
	data = binary.BigEndian.AppendUint64(data, cl.proposed)
	data = append(data, more...)
	if room, _ := m.node.backlog.tryAdd(Proposal{Seq: cl.id<<32 | cl.proposed, Data: data}); room != nil {
		return
	}
	cl.proposed++
}

// answer tells a client that its command is done.
func (c *checker) answer(m *simMember, cmd simCommand) {
	for _, cl := range m.clients {
		if cl.id == cmd.client {
			if cl.answered != cmd.number {
				c.sim.fail("member %d answered command %d of client %d, want %d", m.number, cmd.number, cl.id, cl.answered)
			}
			cl.answered++
		}
	}
}

// last proposes one more command at every member that is there.
func (c *checker) last() {
	for _, m := range c.sim.members {
		if m.up {
			for _, cl := range m.clients {
				c.proposeOne(m, cl)
			}
			m.poll()
		}
	}
}
