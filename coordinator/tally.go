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
	odd   bool  // among them may be names out of sequence, not deletions alone
}

// Created returns how many znodes were ever created below another, which is the
// number the service gives next there. The Stat has 31 bits of it; the 32nd is
// that of near, a number that is given at about that time.
func Created(stat Stat, near Seq) Seq {
	return createdLow(stat).Near(near)
}

// CreatedAmong is [Created] for who knows the children, of which those with that
// prefix are numbered, and no number near. Each comes shortly before the next
// number or, made by hand, anywhere: most of them tell.
func CreatedAmong(stat Stat, prefix string, names []string) Seq {
	n := createdLow(stat)
	balance := 0 // names that come before n by less than 2³¹, less the others
	for _, name := range names {
		seq, ok := ParseSeq(prefix, name)
		switch {
		case !ok:
		case n-1-seq < 1<<31:
			balance++
		default:
			balance--
		}
	}
	if balance < 0 {
		return n | 1<<31
	}
	return n
}

// TasksCreated is [CreatedAmong] for the listing of the tasks.
func TasksCreated(stat Stat, names []string) Seq { return CreatedAmong(stat, taskPrefix, names) }

// createdLow returns the 31 bits.
func createdLow(stat Stat) Seq { return Seq(uint32(stat.Cversion)+uint32(stat.NumChildren)) >> 1 }

func distance(a, b Seq) uint32 { return min(uint32(a-b), uint32(b-a)) }

// listed begins anew with a listing, see [CreatedAmong] for next.
func (t *tally) listed(stat Stat, names int, next Seq) {
	*t = tally{czxid: stat.Czxid, next: next, count: names}
	t.dirty = stat.NumChildren != names
}

// given returns how many numbers were given since the last look, from next on;
// ok is false when the directory is another, or its count makes no sense.
func (t *tally) given(stat Stat) (n int, ok bool) {
	d := int32(Created(stat, t.next) - t.next)
	return int(d), stat.Czxid == t.czxid && d >= 0
}

// looked accounts for the next n numbers, under found of which there is a
// sequential znode. stat was read before them; whole says that it counts no
// numbers beyond them.
func (t *tally) looked(stat Stat, n, found int, whole bool) {
	t.next += Seq(n)
	t.count += found
	t.odd = t.odd || found < n
	t.dirty = t.dirty || t.odd || whole && stat.NumChildren != t.count
}
