// Package session knows who is alive, in two parts that are kept apart.
//
// A [Table] is what all members of an ensemble agree on: which sessions exist,
// with what timeout, and how often each was attached to. It changes only by
// applying what is replicated, and is part of every snapshot.
//
//	t := session.NewTable(secret)
//	t.Create(id, 5*time.Second)
//	s, ok := t.Attach(id, 10*time.Second) // the client is back, on another connection
//	t.Remove(id)
//
// A [Tracker] is the memory of one member, the leader: when each session was
// last heard from, and so who is overdue. It is not replicated. A new leader
// starts every session's time anew, because nobody knows what the old one heard.
//
//	k := session.NewTracker()
//	k.Add(id, timeout, now)
//	k.Touch(id, now)
//	for id := range k.Expired(now) { … } // propose to close it
//
// Neither holds a clock nor starts a goroutine, and neither is safe for
// concurrent use.
//
// # Passwords
//
// A client that comes back proves with a password that the session is its own.
// Passwords are not stored: each is the first 16 bytes of HMAC-SHA256 of the
// session's id (8 bytes, big-endian) under the ensemble's secret, which is in the
// table. Compare them in constant time.
//
// # Snapshots
//
// [Table.Append] writes, with integers big-endian,
//
//	"mw sess" | version 1B = 1 | secret length 4B | secret | sessions 8B
//	per session, by id:  id 8B | timeout in ns 8B | attach 4B
//	crc 4B: CRC-32C of all before it
package session
