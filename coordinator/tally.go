package coordinator

// A tally accounts for the children of a directory of sequential znodes without
// listing them. The service counts the creations below a znode, gives the count
// to the next sequential one as its number, and tells it in the znode's Stat:
// Cversion is creations plus deletions, NumChildren creations minus deletions. So
// the Stat says which numbers were given since the last look, and whether what
// was found under these names accounts for all the children there are.
//
// It does no I/O and holds no names.
type tally struct {
	czxid int64 // of the directory
	next  Seq   // what the service will give next
	count int   // children accounted for
	dirty bool  // there are changes that only a listing can tell
}

// created returns the number the service will give next below a znode. The Stat
// has 31 bits of it; the 32nd is that of the number near.
func created(stat Stat, near Seq) Seq {
	n := Seq(uint32(stat.Cversion)+uint32(stat.NumChildren)) >> 1
	if other := n | 1<<31; distance(other, near) < distance(n, near) {
		return other
	}
	return n
}

func distance(a, b Seq) uint32 { return min(uint32(a-b), uint32(b-a)) }

// listed begins anew with a listing. last is the highest number in it, by age.
func (t *tally) listed(stat Stat, names int, last Seq) {
	*t = tally{czxid: stat.Czxid, next: created(stat, last), count: names}
	t.dirty = stat.NumChildren != names
}

// given returns how many numbers were given since the last look, from next on;
// ok is false when the directory is another, or its count makes no sense.
func (t *tally) given(stat Stat) (n int, ok bool) {
	d := int32(created(stat, t.next) - t.next)
	return int(d), stat.Czxid == t.czxid && d >= 0
}

// looked accounts for the next n numbers, under found of which there is a
// sequential znode. stat was read before them; whole says that it counts no
// numbers beyond them.
func (t *tally) looked(stat Stat, n, found int, whole bool) {
	t.next += Seq(n)
	t.count += found
	if found < n || whole && stat.NumChildren != t.count {
		t.dirty = true
	}
}
