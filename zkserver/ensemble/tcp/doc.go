// Package tcp carries what the members of an ensemble say to each other over
// TCP, or over what the caller makes of it. It is an [ensemble.Transport].
//
//	t, err := tcp.New(tcp.Config{Number: 1, Members: members, Listener: l})
//	n, err := ensemble.Open(ensemble.Config{Number: 1, Members: members, Transport: t, …})
//	err = n.Run(ctx) // runs t, too
//
// # Connections
//
// Who has something to say dials. To each other member there are two
// connections that stay, one for raft's messages and one for frames, and one
// for each snapshot, so that none of them holds up another. A connection begins
// with, integers big-endian:
//
//	dialer    "mwpeer\r\n" | u8 lowest and u8 highest version it speaks | u8 stream
//	          u32 from | u32 to | u64 cluster | u64 directory | u64 member | u64 joined | u16 length | address | u32 CRC
//	acceptor  "mwpeer\r\n" | u8 0, 1 if refused, 2 if removed | u8 version | u16 length | why | u32 CRC
//
// cluster, directory, member, joined and address are the dialer's [ensemble.Credentials].
//
// Then the dialer sends records: u32 length | u32 CRC | payload, and the
// acceptor nothing, but after a snapshot, which a record of length 0 ends:
//
//	u8 0 or 1 if it was not taken | u16 length | why | u32 CRC
//
// CRC is CRC-32C of what stands before it, in a record of the payload. A record
// that is not whole, or not what it should be, ends the connection.
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
// when there is no connection: the ensemble sends it again. A handshake must be
// done within seconds, and few are done at the same time. A new connection for
// a stream of a member replaces the one before. A record is at most 16 MiB.
//
// # Who is it
//
// A member is told apart by its number, the ensemble's and that of its data
// directory: see [ensemble.Receiver], which also says of what little is taken from
// those who are no members. That keeps out what is misconfigured, not who lies.
// Against those Config.Dial and Config.Listener give TLS, and Config.Check compares
// the certificate with the member's address.
package tcp
