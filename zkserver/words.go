package zkserver

import "github.com/mwqueue/mw/zkserver/admin"

// A client may send one of the four-letter words instead of a handshake, and
// gets text. No frame can start so: as a length a word is far above any limit.
// What the words say is package admin's; operators_report.go has the facts.

// The version clients are told is that of the protocol. The form of the build
// date is the one that go-zookeeper reads.
const (
	protocolVersion = "3.8.0-mw"
	buildDate       = "01/01/2026 00:00 UTC"
)

// maxWords is how many costly words are answered at a time: some list all
// watches, and who asks may be slow to read.
const maxWords = 4

// words are the four-letter words that are answered.
type words struct {
	allowed admin.Whitelist
	slots   chan struct{} // holds one token per costly answer under way
}

func newWords(list []string) words {
	allowed, _ := admin.NewWhitelist(list)
	return words{allowed: allowed, slots: make(chan struct{}, maxWords)}
}

// sayWord answers a word, or refuses to.
func (c *conn) sayWord(word string) {
	c.received.Add(1)
	c.br.Discard(c.br.Buffered()) // unread input would turn the close into a reset
	if admin.IsCostly(word) {
		select {
		case c.srv.words.slots <- struct{}{}:
			defer func() { <-c.srv.words.slots }()
		case <-c.done:
			return
		}
	}
	if err := c.srv.words.allowed.Write(c.nc, word, c.srv); err != nil {
		c.log.Debug().Err(err).Msg("four-letter word not answered")
	}
	c.mu.Lock()
	c.sent++
	c.mu.Unlock()
}
