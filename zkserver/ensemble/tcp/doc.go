// Package tcp carries what the members of an ensemble say to each other over
// TCP, or over what the caller makes of it. It is an [ensemble.Transport].
//
//	t, err := tcp.New(tcp.Config{Number: 1, Members: members, Listener: l})
//	n, err := ensemble.Open(ensemble.Config{Number: 1, Members: members, Transport: t, …})
//	err = n.Run(ctx) // runs t, too
//
// # Connections
//
// Who has something to say dials, and resolves the name anew each time. To each
// other member there are two connections that stay, one for raft's messages and
// one for frames, and one for each snapshot, so that none of them holds up another.
// A connection begins with, integers big-endian:
//
//	dialer    "mwpeer\r\n" | u8 lowest and u8 highest version it speaks | u8 stream
//	          u32 from | u32 to | u64 cluster | u64 directory | u64 member | u64 joined | u16 length | address | u32 CRC
//	acceptor  "mwpeer\r\n" | u8 0, 1 if refused, 2 if removed | u8 version | u16 length | why | u32 CRC
//
// cluster, directory, member, joined and address are the dialer's [ensemble.Credentials].
// Who was not refused then says which process it is, by a random number:
//
//	dialer    u64 run | u32 CRC
//	acceptor  u8 0, 1 if refused | u16 length | why | u32 CRC
//
// Then the dialer sends records: u32 length | u32 CRC | payload. On a connection
// that stays a record of length 0 is a sign of life, and the acceptor sends u8 0xff
// as one, each every two seconds at least. After ten without a word the connection
// is given up: a machine that has lost its power ends none.
//
// For a snapshot the acceptor says first what it has of one that broke off, takes
// each record, and answers at the end, which is a record of length 0, or before:
//
//	u64 index | u64 term | u64 bytes of the state | u32 their CRC | u32 CRC
//	u8 0xff                                  after each record: go on
//	u8 0 or 1 if it was not taken | u16 length | why | u32 CRC
//
// CRC is CRC-32C of what stands before it, in a record of the payload. A record
// that is not whole, or not what it should be, ends the connection.
//
// # Versions
//
// The newest that both speak is spoken: the acceptor's answer says which. Members
// of neighbouring releases can so be restarted one by one. A frame or a message of
// a kind that is not known is dropped, and ends nothing.
//
//	2  no signs of life; of a snapshot the acceptor says nothing but the answer at the end
//	3  nobody says which process it is
//	4  this
//
// # Snapshots
//
// One record of a snapshot is on its way at a time, of 16 KiB to 4 MiB: it grows
// while it arrives within 25 ms of the fastest, and shrinks when it takes 50 ms
// longer. So on a link that is shared, be it slow or busy, no heartbeat waits for
// long. One that broke off goes on where it was: see package ensemble.
//
// # Members
//
// The ensemble says at any time whom to reach. Who is no longer among them is not
// dialed any more; connections that it made are judged anew, and those that would
// be refused are closed. So one that was removed dials again, and is told.
//
// # Bounds
//
// What waits for a connection is limited in bytes, and dropped beyond that or
// when there is no connection: the ensemble sends it again. A connection of which a
// frame was dropped ends, so that the ensemble knows. A handshake must be
// done within seconds, and few are done at the same time. A new connection for
// a stream of a member replaces the one before. A record is at most 66 MiB. What
// is read or written goes on within ten seconds, or the connection ends.
//
// # Who is it
//
// A member is told apart by its number, the ensemble's and that of its data
// directory: see [ensemble.Receiver], which also says of what little is taken from
// those who are no members. That keeps out what is misconfigured, not who lies.
// Against those Config.Dial and Config.Listener give TLS, and Config.Check compares
// the certificate with the member's address.
//
// A copy of a data directory is the same member. It is reached by nobody, as long as
// all have one address for the number, so that no vote is asked of it. But where some reach the
// copy and some the original, each could vote in one term, and what both
// acknowledged would be lost. So a member listens to one process of a directory: to
// another one when nothing was heard of the first for five seconds, or when its connections
// have ended, as they do with a process that was killed, and at the next sign of
// life with a machine that was reset. That is not agreed on by the members: two that reach
// one each, and have not been reached by the other, are not helped.
package tcp
