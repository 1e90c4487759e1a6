// Package wal keeps a member's log and snapshots on its disk.
//
//	log, err := wal.Open(wal.Options{Dir: dir})
//	…
//	err = log.Append(hardState, entries) // returns when the disk has it
//	entries, err := log.Entries(lo, hi, 1<<20)
//	w, err := log.CreateSnapshot(id, meta) // write, then w.Commit()
//	err = log.Truncate(id.Index, id.Term)  // what the snapshot holds
//
// It knows what raft needs, entries and a hard state, but not raft: whoever
// drives raft calls it.
//
// # Guarantees
//
// When Append has returned nil, its entries are there after any crash. What
// recovery returns is what was appended, in full, up to some point at or after
// the last Append that returned; otherwise [Open] refuses and names file and
// offset. An entry that a later one has overwritten never comes back.
//
// A failed write or sync ends the log for good ([ErrFailed]): after a failed
// fsync the kernel may call lost pages clean, so asking again proves nothing.
// A full disk does not: all space is taken when a segment is prepared, before
// anything is written into it ([ErrDiskFull]).
//
// # Files
//
//	LOCK                                    held by flock(2) while the log is open
//	IDENTITY                                text: format, number of the log, owner's lines, checksum
//	WATERMARK                               a group that the log must at least reach
//	0000000000000001.log                    segments, numbered in hex without a gap
//	0000000000000005.spare                  the next segment, zero-filled or used before
//	00000000000004d2-0000000000000007.snap  a snapshot: index and term of its last entry
//	<one of these>.tmp                      half made; removed by Open
//	<snapshot>.snap.bad                     a snapshot that could not be read
//
// A directory with other files but without IDENTITY is refused; files with
// other names are left alone.
//
// Integers are big-endian. CRC is CRC-32C.
//
// # Segment
//
// A segment has a fixed size, is allocated and written once before it is used,
// and begins with a sector of its own:
//
//	 0  magic "mwlog\r\n\0"
//	 8  u32 CRC of bytes 12 to 103
//	12  u32 format = 1
//	16  u64 number of the log        as in IDENTITY
//	24  u64 number of the segment    as in its name
//	32  u64 size of the file
//	40  u64 number of the first group
//	48  u64 index, 56 u64 term       of the entry before the first
//	64  u64 term, 72 u64 vote, 80 u64 commit: the hard state so far
//	88  u64 seed                     random, drawn each time the file is used
//	96  u64 1 if the file was used before, else 0
//
// Groups follow. One Append is one group, one pwrite and one fdatasync:
//
//	 0  u32 magic "mwg1"
//	 4  u32 CRC of everything behind, padding excluded, begun with the low half of the seed
//	 8  u64 number of the group: one more than the group before
//	16  u32 bytes of records
//	20  u32 high half of the seed
//	24  records, then zeros up to a multiple of 512
//
// so that no append writes to a sector that holds synced data. Records:
//
//	u8 1 | u8 type | u64 index | u64 term | u32 length | data    an entry
//	u8 2 | u64 term | u64 vote | u64 commit                      the hard state
//	u8 3 | u64 index | u64 term                                  all entries dropped, the next follows index
//
// A spare may be a segment that was used before. What it held then lies behind
// the new groups until it is written over. It can begin a sector with anything,
// since clients choose what is stored; but no client knows the seed, so nothing
// but a group of this use passes for one.
//
// The next segment gets its name when its header is on the disk, and a group
// only after all groups of the segment before are.
//
// # Recovery
//
// All segments are read in order, each group in the order in which it lies
// there, and an entry at or below the last one removes those from there on at
// once. Then:
//
//	a bad header, a missing segment, a file of the wrong size      refused
//	a bad group before the last segment                            refused
//	a bad group, and a later valid one anywhere behind it          refused
//	a bad group, garbage longer than a group, segment not used before  refused
//	the log ends before the group in WATERMARK                     refused
//	the log ends before the entry that the hard state has committed refused
//	a bad group otherwise                                          a torn tail: cut there
//
// A torn tail is a group whose sync had not returned, so nobody relies on it.
// Garbage is what is not zero; a torn group leaves no more of it than the
// largest group has. In a segment that was used before, any amount is normal.
//
// WATERMARK is one sector: u32 magic "mww1", u32 CRC, u64 number of a synced
// group, u8 1 if it is the last and the log was closed in order. It is written
// every second without a sync, and with one by Open and Close. Without it a
// log whose last sectors have become zeros would look like one that ends
// there.
//
// After an unclean stop the last segment is copied into a new file, which is
// synced and takes its place, before anything is appended: if the process
// ended because a sync failed, what was read may be in the page cache only. On
// a full disk it is written over in place.
//
// [OpenReadOnly] judges alike and writes nothing: neither is a torn tail cut nor
// the segment copied, so what it gives may be gone after a power cut, if the log
// was not closed in order.
//
// # Snapshot
//
//	 0  magic "mwsnap\r\n"
//	 8  u32 CRC of bytes 12 to the end of the meta data
//	12  u32 format = 1
//	16  u64 number of the log
//	24  u64 index, 32 u64 term    as in the name
//	40  u64 length of the meta data, then the meta data
//
// then sections: u32 length (1 to 262144), u32 CRC of u32 number of the section,
// u32 length and data; data. The end is a section of length 0 whose data is the
// u64 sum of the lengths. The file is written as .tmp, synced, renamed, and
// the directory synced; then snapshots older than the newest three go.
//
// # Goroutines
//
// The package starts none. Append, Reset and Mark belong to one goroutine;
// [Log.Prepare] should have one of its own, which waits on [Log.Wanted]; one
// snapshot is written at a time.
package wal
